# SynthAmodal with large-scale jitter in miniature, which cuts objects. All ours.
_base_ = './oaformer_tiny_synth.py'

size = _base_.image_size
train_pipeline = _base_.train_pipeline
train_pipeline[-1:-1] = [
    dict(type='RandomResize', scale=size, ratio_range=(0.8, 1.6), keep_ratio=True),
    dict(
        type='RandomCrop', crop_size=size, recompute_bbox=True, allow_negative_crop=True
    ),
    dict(type='FilterAnnotations', min_gt_bbox_wh=(1e-5, 1e-5), by_mask=True),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
