# ORCNN as small as mask-rcnn_tiny_d2sa-sample.py.
_base_ = './mask-rcnn_tiny_d2sa-sample.py'

model = dict(roi_head=dict(mask_head=dict(type='ORCNNMaskHead')))
