# AISFormer, ResNet-50, COCOA-cls (not in the paper).
_base_ = '../mask-rcnn/mask-rcnn_r50_cocoa-cls.py'

model = dict(
    roi_head=dict(
        mask_head=dict(_delete_=True, type='AISFormerMaskHead', num_classes=80)
    )
)

# twice as long as the others, as published
max_iters = 20000
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=max_iters, milestones=[5000, 8000])
