# OAFormer, ResNet-50, KINS (not in the paper).
_base_ = [
    '../_base_/models/oaformer_r50.py',
    '../_base_/datasets/kins.py',
    '../_base_/schedules/adamw_100e.py',
    '../_base_/default_runtime.py',
]

model = dict(panoptic_head=dict(num_things_classes=7))

# ours: 27 epochs of KINS are as many steps as 100 of D2SA, 12,600
max_epochs = 27
train_cfg = dict(max_epochs=max_epochs, val_interval=3)
param_scheduler = dict(end=max_epochs, milestones=[24, 26])
