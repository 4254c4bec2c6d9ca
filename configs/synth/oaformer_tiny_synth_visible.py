# oaformer_tiny_synth.py with visible masks beside the amodal ones. All ours.
_base_ = './oaformer_tiny_synth.py'

train_pipeline = _base_.train_pipeline
train_pipeline[-1].update(build_visible=True)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

model = dict(
    panoptic_head=dict(
        loss_visible_mask=dict(loss_weight=0.5),  # as loss_mask
        loss_visible_dice=dict(loss_weight=0.5),  # as loss_dice
    )
)
