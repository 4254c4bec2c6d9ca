# UOAIS-Sim, class-agnostic. First
#   for split in train val; do
#     python tools/dataset_converters/uoais_to_amodal.py \
#       data/UOAIS-Sim/annotations/coco_anns_uoais_sim_$split.json \
#       data/uoais_$split.json
#   done
_base_ = './amodal_lsj.py'

data_root = 'data/'

train_dataloader = dict(
    dataset=dict(
        type='UOAISDataset',
        data_root=data_root,
        ann_file='uoais_train.json',
        data_prefix=dict(img='UOAIS-Sim/train/'),
        filter_cfg=dict(filter_empty_gt=True, min_size=32),
        pipeline=_base_.train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        type='UOAISDataset',
        data_root=data_root,
        ann_file='uoais_val.json',
        data_prefix=dict(img='UOAIS-Sim/val/'),
        test_mode=True,
        pipeline=_base_.test_pipeline,
    )
)
test_dataloader = val_dataloader

val_evaluator = dict(type='AmodalCocoMetric', ann_file=data_root + 'uoais_val.json')
test_evaluator = val_evaluator
