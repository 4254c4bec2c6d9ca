# Visible masks beside the amodal ones. All ours: the paper has amodal masks only.
_base_ = '../oaformer_r50_d2sa.py'

model = dict(
    panoptic_head=dict(
        loss_visible_mask=dict(loss_weight=0.5),  # as loss_mask
        loss_visible_dice=dict(loss_weight=0.5),  # as loss_dice
    )
)
