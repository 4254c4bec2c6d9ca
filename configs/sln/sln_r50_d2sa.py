# SLN, ResNet-50, D2SA (the paper's table 1).
_base_ = ['../mask-rcnn/mask-rcnn_r50_d2sa.py', '../_base_/models/sln.py']

model = _base_.sln
