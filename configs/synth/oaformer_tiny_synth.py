# The quick start: a small OAFormer on synthetic shapes, minutes on two CPU cores. All
# ours.
_base_ = [
    '../_base_/models/oaformer_tiny.py',
    '../_base_/datasets/synth_amodal.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]

model = dict(panoptic_head=dict(num_things_classes=5))

max_epochs = 12
train_cfg = dict(max_epochs=max_epochs, val_interval=4)
param_scheduler = dict(end=max_epochs, milestones=[10])
