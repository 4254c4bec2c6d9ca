# Mask R-CNN trained with amodal boxes and masks, as in the paper's table 1, with the
# backbone, images and schedule of oaformer_tiny_synth.py. All settings ours.
_base_ = [
    '../_base_/models/amodal-mask-rcnn_tiny.py',
    '../_base_/datasets/synth_amodal.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]

model = dict(
    roi_head=dict(bbox_head=dict(num_classes=5), mask_head=dict(num_classes=5)),
    # masks of four RoIs of an image, which has five objects at most
    train_cfg=dict(rcnn=dict(sampler=dict(num=16))),
)

max_epochs = 6
train_cfg = dict(max_epochs=max_epochs, val_interval=1)
param_scheduler = dict(end=max_epochs, milestones=[5])
