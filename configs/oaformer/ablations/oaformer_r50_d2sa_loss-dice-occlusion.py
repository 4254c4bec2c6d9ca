# Table 3: dice and occlusion loss (group 1, second row).
_base_ = '../../oaformer_r50_d2sa.py'

model = dict(panoptic_head=dict(loss_mask=dict(loss_weight=0.0)))
