# SLN as small as mask-rcnn_tiny_d2sa-sample.py.
_base_ = ['./mask-rcnn_tiny_d2sa-sample.py', '../_base_/models/sln_tiny.py']

model = _base_.sln
