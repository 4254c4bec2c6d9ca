# SynthAmodal, ours: ten times the paper's weight of the occlusion loss.
_base_ = '../oaformer_tiny_synth.py'

model = dict(panoptic_head=dict(loss_occlusion=dict(loss_weight=20.0)))
