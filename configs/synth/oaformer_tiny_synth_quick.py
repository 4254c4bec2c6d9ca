# The quick start: a third of the iterations, with the learning rate falling all the
# way, and half the points. All ours.
_base_ = './oaformer_tiny_synth.py'

max_epochs = 2
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
model = dict(train_cfg=dict(num_points=512))
optim_wrapper = dict(optimizer=dict(fused=True))
param_scheduler = dict(
    _delete_=True,
    type='PolyLR',
    power=1.0,
    eta_min=0,
    begin=0,
    end=max_epochs,
    by_epoch=True,
    convert_to_iter_based=True,
)
