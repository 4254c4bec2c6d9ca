# For small models from scratch: a higher learning rate, the same for the backbone.
_base_ = './adamw_100e.py'

max_epochs = 4
train_cfg = dict(max_epochs=max_epochs, val_interval=2)
optim_wrapper = dict(
    optimizer=dict(lr=0.0005),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=1.0))),
)
param_scheduler = dict(end=max_epochs, milestones=[3])
auto_scale_lr = dict(base_batch_size=8)
