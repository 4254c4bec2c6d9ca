# Ours: soft attention masks in the ODM; the paper leaves their form open.
_base_ = '../../oaformer_r50_d2sa.py'

model = dict(panoptic_head=dict(odm=dict(attention_mask='soft')))
