# The validation loss beside the metric, for models trained at 1024 x 1024. Ours. Two
# bases may not share a key, so a config with this one as its second base has a line:
#     _base_ = ['./oaformer_r50_d2sa.py', './_base_/hooks/validation_loss.py']
#     custom_hooks = [*_base_.custom_hooks, _base_.validation_loss]
validation_loss = dict(
    type='ValidationLossHook',
    # as in training, without flip, jitter and crop
    pipeline=[
        dict(type='LoadImageFromFile'),
        dict(type='LoadAmodalAnnotations'),
        dict(type='Resize', scale=(1024, 1024), keep_ratio=True),
        dict(type='PackAmodalInputs'),
    ],
)
