# The quick start's model with visible masks beside the amodal ones.
_base_ = './oaformer_tiny_synth.py'

model = dict(
    panoptic_head=dict(
        loss_visible_mask=dict(loss_weight=0.5),  # ours: as loss_mask
        loss_visible_dice=dict(loss_weight=0.5),
    )
)  # ours: as loss_dice
