# Table 3: mask cross-entropy and occlusion loss (group 2, second row).
_base_ = '../../oaformer_r50_d2sa.py'

model = dict(panoptic_head=dict(loss_dice=dict(loss_weight=0.0)))
