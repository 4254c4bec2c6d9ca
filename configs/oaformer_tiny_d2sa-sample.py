# Overfits a handful of D2SA pictures from scratch on a CPU: the quickest proof that
# files, pipeline, model and metric work together. Tests on what it trained on.
_base_ = [
    './_base_/models/oaformer_tiny.py', './_base_/datasets/d2sa.py',
    './_base_/schedules/adamw_100e.py', './_base_/default_runtime.py'
]

model = dict(panoptic_head=dict(num_things_classes=60))

resize = dict(type='Resize', scale=(320, 240), keep_ratio=True)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAmodalAnnotations'), resize,
    dict(type='OcclusionRate', mode='annotated'),
    dict(type='PackAmodalInputs')
]
test_pipeline = _base_.test_pipeline
test_pipeline[1] = resize

# an epoch shows every picture 50 times
train_dataset = _base_.train_dataloader.dataset
for part in train_dataset.datasets:
    part.pipeline = train_pipeline
train_dataloader = dict(
    batch_size=3,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        _delete_=True, type='RepeatDataset', times=50, dataset=train_dataset))
val_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

max_epochs = 8
train_cfg = dict(max_epochs=max_epochs, val_interval=2)
optim_wrapper = dict(
    optimizer=dict(lr=0.0005),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=1.0))))
param_scheduler = dict(end=max_epochs, milestones=[6, 7])
