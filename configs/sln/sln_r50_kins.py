# SLN, ResNet-50, KINS (not in the paper).
_base_ = ['../mask-rcnn/mask-rcnn_r50_kins.py', '../_base_/models/sln.py']

model = _base_.sln
