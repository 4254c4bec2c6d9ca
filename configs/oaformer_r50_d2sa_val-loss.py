# The validation loss beside the metric. Ours.
_base_ = './oaformer_r50_d2sa.py'

custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type='ValidationLossHook',
        # as in training, without flip, jitter and crop
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAmodalAnnotations'),
            dict(type='Resize', scale=_base_.image_size, keep_ratio=True),
            dict(type='PackAmodalInputs'),
        ],
    ),
]
