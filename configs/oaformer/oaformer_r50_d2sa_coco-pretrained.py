# Fine-tunes Mask2Former's COCO weights on D2SA. Ours: the paper says nothing of them.
# Before it, where MODEL is Mask2Former's R50 instance model, MMDetection's or the
# original release's:
#   python tools/model_converters/pretrained_to_amodal.py MODEL \
#       work_dirs/oaformer_r50_d2sa_from-coco.pth
_base_ = '../oaformer_r50_d2sa.py'

load_from = 'work_dirs/oaformer_r50_d2sa_from-coco.pth'  # ours
model = dict(backbone=dict(init_cfg=None))  # ours: ImageNet's would be overwritten

# ours, not tuned: all but classes and occlusion rates has been trained before, so half
# the learning rate and a quarter of the epochs, falling at the same fractions of them
max_epochs = 24
train_cfg = dict(max_epochs=max_epochs, val_interval=4)
optim_wrapper = dict(optimizer=dict(lr=0.00005))
param_scheduler = dict(end=max_epochs, milestones=[21, 23])
