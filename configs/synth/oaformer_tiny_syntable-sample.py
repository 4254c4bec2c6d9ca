# Overfits the sample of SynTable's repository, six images of crowded tables, from
# scratch on a CPU. Ours. With its folder sample_data as data/SynTable, first
#   python tools/dataset_converters/uoais_to_amodal.py \
#       data/SynTable/annotation_final.json data/syntable_sample.json
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
    type='UOAISDataset',
    data_root='data/',
    ann_file='syntable_sample.json',
    data_prefix=dict(img='SynTable/'),
)

train_dataloader = dict(
    batch_size=3, dataset=dict(dataset=dict(pipeline=_base_.train_pipeline, **dataset))
)
val_dataloader = dict(
    dataset=dict(test_mode=True, pipeline=_base_.test_pipeline, **dataset)
)
test_dataloader = val_dataloader

val_evaluator = dict(type='AmodalCocoMetric', ann_file='data/syntable_sample.json')
test_evaluator = val_evaluator
