# Overfits a handful of D2SA images; see oaformer_tiny_d2sa-sample.py.
_base_ = [
    '../_base_/models/amodal-mask-rcnn_tiny.py',
    '../_base_/datasets/d2sa_small.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]

model = dict(
    rpn_head=dict(anchor_generator=dict(scales=[8])),  # for images of 320 x 240
    roi_head=dict(bbox_head=dict(num_classes=60), mask_head=dict(num_classes=60)),
)
