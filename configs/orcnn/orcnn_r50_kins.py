# ORCNN, ResNet-50, KINS (not in the paper).
_base_ = '../mask-rcnn/mask-rcnn_r50_kins.py'

model = dict(
    roi_head=dict(mask_head=dict(type='ORCNNMaskHead')),
    # the ports' number of RoIs
    train_cfg=dict(rcnn=dict(sampler=dict(num=256))),
)

param_scheduler = _base_.param_scheduler
param_scheduler[1].update(milestones=[40000, 44000])
