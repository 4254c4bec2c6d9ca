# Table 3: mask cross-entropy and dice loss (group 3, first row).
_base_ = '../../oaformer_r50_d2sa.py'

model = dict(panoptic_head=dict(loss_occlusion=None))
