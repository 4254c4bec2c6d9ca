# Table 2: 200 queries.
_base_ = '../../oaformer_r50_d2sa.py'

model = dict(panoptic_head=dict(num_queries=200))
