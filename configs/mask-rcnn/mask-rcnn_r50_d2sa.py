# Mask R-CNN on amodal masks, ResNet-50, D2SA (the paper's table 1). The schedule is
# that of VRSP's other systems; its Mask R-CNN has batches of 3 and a learning rate of
# 0.01.
_base_ = [
    '../_base_/models/amodal-mask-rcnn_r50.py',
    '../_base_/datasets/d2sa.py',
    '../_base_/datasets/multiscale_pipeline.py',
    '../_base_/schedules/sgd_70k.py',
]

model = dict(
    roi_head=dict(bbox_head=dict(num_classes=60), mask_head=dict(num_classes=60))
)

train_pipeline = _base_.multiscale_pipeline
train_dataloader = _base_.train_dataloader
for each in train_dataloader.dataset.datasets:
    each.pipeline = train_pipeline
