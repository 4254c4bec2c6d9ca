# The paper: occlusion rates are read from the ODM alone.
_base_ = '../../oaformer_r50_d2sa.py'

model = dict(panoptic_head=dict(amodal_occlusion_rates=False))
