# SLN, ResNet-50, COCOA-cls (the paper's table 1).
_base_ = ['../mask-rcnn/mask-rcnn_r50_cocoa-cls.py', '../_base_/models/sln.py']

model = _base_.sln
