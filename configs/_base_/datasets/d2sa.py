# D2SA: trains on rot0 + augmented (2,000 images), tests on validation (3,600), as
# all published numbers do.
_base_ = './amodal_lsj.py'

data_root = 'data/D2SA/'
data_prefix = dict(img='images/')
filter_cfg = dict(filter_empty_gt=True, min_size=32)

train_dataloader = dict(
    dataset=dict(
        type='ConcatDataset',
        datasets=[
            dict(
                type='D2SADataset',
                data_root=data_root,
                ann_file='annotations/D2S_amodal_training_rot0.json',
                data_prefix=data_prefix,
                filter_cfg=filter_cfg,
                pipeline=_base_.train_pipeline,
            ),
            dict(
                type='D2SADataset',
                data_root=data_root,
                ann_file='annotations/D2S_amodal_augmented.json',
                data_prefix=data_prefix,
                filter_cfg=filter_cfg,
                pipeline=_base_.train_pipeline,
            ),
        ],
    )
)
val_dataloader = dict(
    dataset=dict(
        type='D2SADataset',
        data_root=data_root,
        ann_file='annotations/D2S_amodal_validation.json',
        data_prefix=data_prefix,
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
