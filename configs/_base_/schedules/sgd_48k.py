# 48,000 iterations of 1 image, for KINS (6.4 epochs).
_base_ = './sgd_70k.py'

max_iters = 48000
train_cfg = dict(max_iters=max_iters, val_interval=12000)
optim_wrapper = dict(optimizer=dict(lr=0.0025))
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters, milestones=[30000, 40000])
auto_scale_lr = dict(base_batch_size=1)
default_hooks = dict(checkpoint=dict(interval=12000))
