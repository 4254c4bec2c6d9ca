# OAFormer, ResNet-50, D2SA: the paper's main setting (table 1, with ODM).
_base_ = [
    './_base_/models/oaformer_r50.py',
    './_base_/datasets/d2sa.py',
    './_base_/schedules/adamw_100e.py',
    './_base_/default_runtime.py',
]

model = dict(panoptic_head=dict(num_things_classes=60))
