# The quick start: a quarter of the iterations, on half the images. All ours.
_base_ = './oaformer_tiny_synth.py'

train_dataloader = dict(dataset=dict(indices=2400))
max_epochs = 3
train_cfg = dict(max_epochs=max_epochs)
param_scheduler = dict(end=max_epochs, milestones=[2])
