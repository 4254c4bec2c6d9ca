# 10,000 iterations of 2 images, for COCOA-cls (8.8 epochs).
_base_ = './sgd_70k.py'

max_iters = 10000
train_cfg = dict(max_iters=max_iters, val_interval=2500)
optim_wrapper = dict(optimizer=dict(lr=0.0005))
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters, milestones=[8000])
default_hooks = dict(checkpoint=dict(interval=2500))
