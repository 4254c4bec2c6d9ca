# The quick start with the validation loss beside the metric. Ours.
_base_ = './oaformer_tiny_synth.py'

custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type='ValidationLossHook',
        # as in training, without the random flip
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAmodalAnnotations'),
            dict(type='PackAmodalInputs'),
        ],
    ),
]
