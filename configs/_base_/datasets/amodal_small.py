# Images of at most 320 x 240 and no augmentation, to overfit a handful of them on a
# CPU. All ours. Configs add files.
resize = dict(type='Resize', scale=(320, 240), keep_ratio=True)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAmodalAnnotations'),
    resize,
    dict(type='PackAmodalInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    resize,
    dict(type='LoadAmodalAnnotations'),
    dict(type='PackAmodalInputs'),
]

train_dataloader = dict(
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    # an epoch shows every image 50 times
    dataset=dict(type='RepeatDataset', times=50),
)
val_dataloader = dict(
    batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False)
)
test_dataloader = val_dataloader
