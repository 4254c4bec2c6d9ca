# SynthAmodal, table 1, "w/o ODM": Mask2Former, 6 layers in its one decoder.
_base_ = '../oaformer_tiny_synth.py'

model = dict(panoptic_head=dict(odm=None, transformer_decoder=dict(num_layers=6)))
