# SynthAmodal, the paper: occlusion rates are read from the ODM alone.
_base_ = '../oaformer_tiny_synth.py'

model = dict(panoptic_head=dict(amodal_occlusion_rates=False))
