# OAFormer, ResNet-50, T-LESS (not in the paper).
_base_ = [
    '../_base_/models/oaformer_r50.py',
    '../_base_/datasets/tless.py',
    '../_base_/schedules/adamw_100e.py',
    '../_base_/default_runtime.py',
]

model = dict(panoptic_head=dict(num_things_classes=30))

# ours: 4 epochs of 50,000 images are as many steps as 100 of D2SA, 12,500
max_epochs = 4
train_cfg = dict(max_epochs=max_epochs, val_interval=1)
param_scheduler = dict(end=max_epochs, milestones=[3])
