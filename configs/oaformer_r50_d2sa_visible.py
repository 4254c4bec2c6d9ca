# Predicts visible masks beside the amodal ones. Ours: the paper has amodal masks only.
_base_ = './oaformer_r50_d2sa.py'

train_pipeline = [
    *_base_.train_pipeline[:-1],
    dict(_base_.train_pipeline[-1], build_visible=True),
]
train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(part, pipeline=train_pipeline)
            for part in _base_.train_dataloader.dataset.datasets
        ]
    )
)

model = dict(
    panoptic_head=dict(
        loss_visible_mask=dict(loss_weight=0.5),  # ours: as loss_mask
        loss_visible_dice=dict(loss_weight=0.5),
    )
)  # ours: as loss_dice
