# Training curves in TensorBoard, too (the extra `tensorboard`). Ours.
_base_ = './oaformer_r50_d2sa.py'

visualizer = dict(
    vis_backends=[dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')]
)
# validation over iterations, the axis of the training losses
default_hooks = dict(logger=dict(log_metric_by_epoch=False))
