# Mask R-CNN on amodal masks, ResNet-50, COCOA-cls (the paper's table 1), from ImageNet
# weights.
_base_ = [
    '../_base_/models/amodal-mask-rcnn_r50.py',
    '../_base_/datasets/cocoa-cls.py',
    '../_base_/datasets/multiscale_pipeline.py',
    '../_base_/schedules/sgd_10k.py',
]

train_pipeline = _base_.multiscale_pipeline
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
