# Visible masks beside the amodal ones. All ours: the paper has amodal masks only.
_base_ = '../oaformer_r50_d2sa.py'

train_pipeline = _base_.train_pipeline
train_pipeline[-1].update(build_visible=True)
train_dataloader = _base_.train_dataloader
train_dataloader.dataset.datasets[0].update(pipeline=train_pipeline)
train_dataloader.dataset.datasets[1].update(pipeline=train_pipeline)

model = dict(
    panoptic_head=dict(
        loss_visible_mask=dict(loss_weight=0.5),  # as loss_mask
        loss_visible_dice=dict(loss_weight=0.5),  # as loss_dice
    )
)
