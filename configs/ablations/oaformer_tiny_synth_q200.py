# SynthAmodal, table 2: 200 queries.
_base_ = '../oaformer_tiny_synth.py'

model = dict(panoptic_head=dict(num_queries=200))
