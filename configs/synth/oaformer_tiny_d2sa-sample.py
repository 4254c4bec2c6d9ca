# Overfits a handful of D2SA images from scratch on a CPU: the quickest proof that
# files, pipeline, model and metric work together. Tests on what it trained on. Ours.
_base_ = [
    '../_base_/models/oaformer_tiny.py',
    '../_base_/datasets/d2sa_small.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]

model = dict(panoptic_head=dict(num_things_classes=60))
