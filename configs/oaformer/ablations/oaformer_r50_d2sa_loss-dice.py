# Table 3: dice loss alone (group 1, first row).
_base_ = '../../oaformer_r50_d2sa.py'

model = dict(panoptic_head=dict(loss_mask=dict(loss_weight=0.0), loss_occlusion=None))
