# BCNet on FCOS, otherwise as bcnet_tiny_synth.py. All ours.
_base_ = [
    '../_base_/models/bcnet-fcos_tiny.py',
    '../_base_/datasets/synth_amodal.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]

model = dict(
    bbox_head=dict(num_classes=5), roi_head=dict(mask_head=dict(num_classes=5))
)

max_epochs = 6
train_cfg = dict(max_epochs=max_epochs, val_interval=1)
param_scheduler = dict(end=max_epochs, milestones=[5])
