# ORCNN as small as mask-rcnn_tiny_synth.py. All ours.
_base_ = './mask-rcnn_tiny_synth.py'

model = dict(roi_head=dict(mask_head=dict(type='ORCNNMaskHead')))
