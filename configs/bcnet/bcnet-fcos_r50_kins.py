# BCNet on FCOS, ResNet-50, KINS; otherwise as bcnet_r50_kins.py.
_base_ = [
    '../_base_/models/bcnet-fcos_r50.py',
    '../_base_/datasets/kins.py',
    '../_base_/datasets/multiscale_pipeline.py',
    '../_base_/schedules/sgd_48k.py',
]

model = dict(
    bbox_head=dict(num_classes=7), roi_head=dict(mask_head=dict(num_classes=7))
)

train_pipeline = _base_.multiscale_pipeline
# one size, as the published systems
train_pipeline[2].update(scales=[_base_.scale])
train_dataloader = dict(batch_size=1, dataset=dict(pipeline=train_pipeline))
