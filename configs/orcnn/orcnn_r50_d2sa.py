# ORCNN, ResNet-50, D2SA (the paper's table 1).
_base_ = '../mask-rcnn/mask-rcnn_r50_d2sa.py'

model = dict(
    roi_head=dict(mask_head=dict(type='ORCNNMaskHead')),
    # the ports' number of RoIs
    train_cfg=dict(rcnn=dict(sampler=dict(num=256))),
)
