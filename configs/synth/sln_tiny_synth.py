# SLN as small as mask-rcnn_tiny_synth.py. All ours.
_base_ = ['./mask-rcnn_tiny_synth.py', '../_base_/models/sln_tiny.py']

model = _base_.sln
