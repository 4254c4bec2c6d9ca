# A handful of D2SA images to overfit; the test images are those of training. Ours.
_base_ = './amodal_small.py'

data_root = 'data/D2SA/'
train_files = ['D2S_amodal_training_rot0.json', 'D2S_amodal_augmented.json']

train_dataloader = dict(
    batch_size=3,
    dataset=dict(
        dataset=dict(
            type='ConcatDataset',
            datasets=[
                dict(
                    type='D2SADataset',
                    data_root=data_root,
                    ann_file=f'annotations/{name}',
                    data_prefix=dict(img='images/'),
                    pipeline=_base_.train_pipeline,
                )
                for name in train_files
            ],
        )
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='D2SADataset',
        data_root=data_root,
        ann_file='annotations/D2S_amodal_validation.json',
        data_prefix=dict(img='images/'),
        test_mode=True,
        pipeline=_base_.test_pipeline,
    )
)
test_dataloader = val_dataloader

val_evaluator = dict(
    type='AmodalCocoMetric',
    ann_file=data_root + 'annotations/D2S_amodal_validation.json',
)
test_evaluator = val_evaluator
