# OAFormer, ResNet-50, UOAIS-Sim (not in the paper), color images alone.
_base_ = [
    '../_base_/models/oaformer_r50.py',
    '../_base_/datasets/uoais.py',
    '../_base_/schedules/adamw_100e.py',
    '../_base_/default_runtime.py',
]

model = dict(panoptic_head=dict(num_things_classes=1))

# ours: 5 epochs of about 45,000 images are about as many steps as 100 of D2SA, 12,600
max_epochs = 5
train_cfg = dict(max_epochs=max_epochs, val_interval=1)
param_scheduler = dict(end=max_epochs, milestones=[4])
