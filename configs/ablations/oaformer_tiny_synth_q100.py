# SynthAmodal, table 2: 100 queries.
_base_ = '../oaformer_tiny_synth.py'

model = dict(panoptic_head=dict(num_queries=100))
