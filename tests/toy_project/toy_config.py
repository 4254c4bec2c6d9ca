custom_imports = dict(imports=['oaformer.engine', 'toy'], allow_failed_imports=False)
default_scope = 'mmdet'
model = dict(type='ToyModel')
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    dataset=dict(type='ToyDataset'),
    sampler=dict(type='DefaultSampler', shuffle=True),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    dataset=dict(type='ToyDataset'),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='ToyMetric')
test_evaluator = val_evaluator
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=0.05))
param_scheduler = [dict(type='MultiStepLR', milestones=[1, 2], gamma=0.5)]
train_cfg = dict(by_epoch=True, max_epochs=4, val_interval=2)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1),
    checkpoint=dict(type='CheckpointHook', interval=1),
    visualization=dict(type='DetVisualizationHook'),
    safe_checkpoint=dict(type='SafeCheckpointHook'),
)
custom_hooks = [dict(type='IterationSeedHook')]
visualizer = dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend')])
log_level = 'ERROR'
randomness = dict(seed=0)
auto_scale_lr = dict(enable=False, base_batch_size=2)
