# Table 1, "w/o ODM": MMDetection's Mask2Former, 9 layers in its one decoder.
_base_ = '../../oaformer_r50_cocoa-cls.py'

model = dict(panoptic_head=dict(odm=None, transformer_decoder=dict(num_layers=9)))
