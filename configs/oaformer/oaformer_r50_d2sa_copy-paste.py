# Pastes whole objects of other training images over each image. Ours.
_base_ = '../oaformer_r50_d2sa.py'

# everything but PackAmodalInputs, for either image
load_pipeline = _base_.train_pipeline[:-1]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='MultiImageMixDataset',
        dataset=dict(
            type='ConcatDataset',
            datasets=[
                dict(part, pipeline=load_pipeline)
                for part in _base_.train_dataloader.dataset.datasets
            ],
        ),
        pipeline=[dict(type='AmodalCopyPaste'), _base_.train_pipeline[-1]],
    )
)
