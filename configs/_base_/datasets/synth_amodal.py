# SynthAmodal, shapes from tools/dataset_converters/make_synth_amodal.py, 128 x 128:
# 4,800 images to train on, 200 to choose settings by, 600 held out for what is
# reported. All ours.
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
    # leaves the image as it is; Mask R-CNN reads the scale factor
    dict(type='Resize', scale_factor=1.0),
    dict(type='LoadAmodalAnnotations'),
    dict(type='PackAmodalInputs'),
]

dataset = dict(
    type='SynthAmodalDataset', data_root=data_root, data_prefix=dict(img='images/')
)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(ann_file='annotations/train.json', pipeline=train_pipeline, **dataset),
)
test_loader = dict(
    batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False)
)
test_dataset = dict(test_mode=True, pipeline=test_pipeline, **dataset)
val_dataloader = dict(
    dataset=dict(ann_file='annotations/val.json', **test_dataset), **test_loader
)
test_dataloader = dict(
    dataset=dict(ann_file='annotations/test.json', **test_dataset), **test_loader
)

val_evaluator = dict(
    type='AmodalCocoMetric', ann_file=data_root + 'annotations/val.json'
)
test_evaluator = dict(
    type='AmodalCocoMetric', ann_file=data_root + 'annotations/test.json'
)
