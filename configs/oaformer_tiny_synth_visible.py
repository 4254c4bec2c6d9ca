# The quick start's model with visible masks beside the amodal ones.
_base_ = './oaformer_tiny_synth.py'

train_pipeline = [
    *_base_.train_pipeline[:-1],
    dict(_base_.train_pipeline[-1], build_visible=True),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

model = dict(
    panoptic_head=dict(
        loss_visible_mask=dict(loss_weight=0.5),  # ours: as loss_mask
        loss_visible_dice=dict(loss_weight=0.5),
    )
)  # ours: as loss_dice
