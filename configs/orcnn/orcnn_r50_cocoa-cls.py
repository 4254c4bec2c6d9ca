# ORCNN, ResNet-50, COCOA-cls (the paper's table 1).
_base_ = '../mask-rcnn/mask-rcnn_r50_cocoa-cls.py'

model = dict(
    roi_head=dict(mask_head=dict(type='ORCNNMaskHead')),
    # the ports' number of RoIs
    train_cfg=dict(rcnn=dict(sampler=dict(num=256))),
)

param_scheduler = _base_.param_scheduler
param_scheduler[1].update(milestones=[5000, 8000])
