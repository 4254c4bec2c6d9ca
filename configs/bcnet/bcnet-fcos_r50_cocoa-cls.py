# BCNet on FCOS, ResNet-50, COCOA-cls; otherwise as bcnet_r50_cocoa-cls.py.
_base_ = [
    '../_base_/models/bcnet-fcos_r50.py',
    '../_base_/datasets/cocoa-cls.py',
    '../_base_/datasets/multiscale_pipeline.py',
    '../_base_/schedules/sgd_10k.py',
]

train_pipeline = _base_.multiscale_pipeline
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

param_scheduler = _base_.param_scheduler
param_scheduler[1].update(milestones=[5000, 8000])
