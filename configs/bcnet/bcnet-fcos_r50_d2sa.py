# BCNet on FCOS, ResNet-50, D2SA; otherwise as bcnet_r50_d2sa.py.
_base_ = [
    '../_base_/models/bcnet-fcos_r50.py',
    '../_base_/datasets/d2sa.py',
    '../_base_/datasets/multiscale_pipeline.py',
    '../_base_/schedules/sgd_70k.py',
]

model = dict(
    bbox_head=dict(num_classes=60), roi_head=dict(mask_head=dict(num_classes=60))
)

train_pipeline = _base_.multiscale_pipeline
train_dataloader = _base_.train_dataloader
for each in train_dataloader.dataset.datasets:
    each.pipeline = train_pipeline
