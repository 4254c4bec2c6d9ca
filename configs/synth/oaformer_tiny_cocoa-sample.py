# Overfits a handful of COCOA images, class-agnostic, from scratch on a CPU. Ours. First
#   python tools/dataset_converters/cocoa_to_amodal.py \
#       data/COCOA/annotations/COCO_amodal_val2014.json data/cocoa_objects_val2014.json
_base_ = [
    '../_base_/models/oaformer_tiny.py',
    '../_base_/datasets/amodal_small.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]

model = dict(
    panoptic_head=dict(num_things_classes=1, num_queries=30),
    test_cfg=dict(max_per_image=30),
)

dataset = dict(
    type='AmodalCocoDataset',
    data_root='data/',
    ann_file='cocoa_objects_val2014.json',
    data_prefix=dict(img='COCOA/val2014/'),
)

train_dataloader = dict(
    batch_size=5, dataset=dict(dataset=dict(pipeline=_base_.train_pipeline, **dataset))
)
val_dataloader = dict(
    dataset=dict(test_mode=True, pipeline=_base_.test_pipeline, **dataset)
)
test_dataloader = val_dataloader

val_evaluator = dict(
    type='AmodalCocoMetric', ann_file='data/cocoa_objects_val2014.json'
)
test_evaluator = val_evaluator
