# BCNet on FCOS, otherwise as bcnet_tiny_d2sa-sample.py.
_base_ = [
    '../_base_/models/bcnet-fcos_tiny.py',
    '../_base_/datasets/d2sa_small.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]

model = dict(
    bbox_head=dict(num_classes=60), roi_head=dict(mask_head=dict(num_classes=60))
)
