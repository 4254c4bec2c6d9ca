custom_imports = dict(imports=['oaformer'], allow_failed_imports=False)
default_scope = 'mmdet'

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='MainProcessLoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CheckpointHook',
        interval=1,
        max_keep_ckpts=3,
        save_best='amodal/segm_mAP',
        rule='greater',
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='DetVisualizationHook'),
    # read checkpoints as data, also if another tool than ours runs the config
    safe_checkpoint=dict(type='SafeCheckpointHook'),
    # a checkpoint fits or is refused; a label is one class everywhere
    checkpoint_fit=dict(type='CheckpointFitHook'),
    class_check=dict(type='ClassCheckHook'),
    # there is something to learn, and a query for every object
    data_check=dict(type='DataCheckHook'),
)

# with randomness.seed set, a resumed run draws what the uninterrupted one would have
custom_hooks = [dict(type='IterationSeedHook')]

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)

vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(
    type='AmodalLocalVisualizer', vis_backends=vis_backends, name='visualizer'
)
log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True)

log_level = 'INFO'
load_from = None
resume = False
