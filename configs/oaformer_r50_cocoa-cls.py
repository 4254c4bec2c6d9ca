# OAFormer, ResNet-50, COCOA-cls (table 1, with ODM).
_base_ = [
    './_base_/models/oaformer_r50.py',
    './_base_/datasets/cocoa-cls.py',
    './_base_/schedules/adamw_100e.py',
    './_base_/default_runtime.py',
]

model = dict(panoptic_head=dict(num_things_classes=80))
