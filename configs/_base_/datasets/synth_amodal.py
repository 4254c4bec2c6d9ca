# SynthAmodal, shapes from tools/dataset_converters/make_synth_amodal.py, 128 x 128:
# 400 images to train on, 60 to choose settings by, 200 held out for what is reported.
data_root = 'data/synth_amodal/'
image_size = (128, 128)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAmodalAnnotations'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackAmodalInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAmodalAnnotations'),
    dict(
        type='PackAmodalInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape'),
    ),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='SynthAmodalDataset',
        data_root=data_root,
        ann_file='annotations/train.json',
        data_prefix=dict(img='images/'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='SynthAmodalDataset',
        data_root=data_root,
        ann_file='annotations/val.json',
        data_prefix=dict(img='images/'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='SynthAmodalDataset',
        data_root=data_root,
        ann_file='annotations/test.json',
        data_prefix=dict(img='images/'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)

val_evaluator = dict(
    type='AmodalCocoMetric', ann_file=data_root + 'annotations/val.json'
)
test_evaluator = dict(
    type='AmodalCocoMetric', ann_file=data_root + 'annotations/test.json'
)
