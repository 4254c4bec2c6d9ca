# Curves in TensorBoard, too (the extra `tensorboard`). Ours. Two bases may not share a
# key, so a config with this one as its second base has two lines:
#     _base_ = ['./oaformer_r50_d2sa.py', './_base_/hooks/tensorboard.py']
#     visualizer = dict(vis_backends=_base_.tensorboard_backends)
#     default_hooks = dict(logger=_base_.tensorboard_logger)
tensorboard_backends = [
    dict(type='LocalVisBackend'),
    dict(type='TensorboardVisBackend'),
]
# validation over iterations, the axis of the training losses
tensorboard_logger = dict(log_metric_by_epoch=False)
