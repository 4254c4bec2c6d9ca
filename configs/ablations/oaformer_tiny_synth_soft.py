# SynthAmodal, ours: soft attention masks in the ODM.
_base_ = '../oaformer_tiny_synth.py'

model = dict(panoptic_head=dict(odm=dict(attention_mask='soft')))
