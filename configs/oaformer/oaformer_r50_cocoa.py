# OAFormer, ResNet-50, COCOA without classes (not in the paper).
_base_ = [
    '../_base_/models/oaformer_r50.py',
    '../_base_/datasets/cocoa.py',
    '../_base_/schedules/adamw_100e.py',
    '../_base_/default_runtime.py',
]

model = dict(panoptic_head=dict(num_things_classes=1))
