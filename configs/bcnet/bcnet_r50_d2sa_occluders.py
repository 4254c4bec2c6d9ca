# Occluders are the objects that cover another one, not all neighbours. Ours.
_base_ = './bcnet_r50_d2sa.py'

model = dict(roi_head=dict(mask_head=dict(occluder_rule='occluders')))
