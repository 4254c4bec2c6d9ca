# COCOA, class-agnostic, without stuff: 2,500 images to train, 1,323 to test. First
#   for split in train val; do
#     python tools/dataset_converters/cocoa_to_amodal.py \
#       data/COCOA/annotations/COCO_amodal_${split}2014.json \
#       data/cocoa_objects_${split}2014.json
#   done
# COCO_amodal_{train,val}2014_detectron_no_stuff.json need no conversion.
_base_ = './amodal_lsj.py'

data_root = 'data/'

train_dataloader = dict(
    dataset=dict(
        type='COCOADataset',
        data_root=data_root,
        ann_file='cocoa_objects_train2014.json',
        data_prefix=dict(img='COCOA/train2014/'),
        filter_cfg=dict(filter_empty_gt=True, min_size=32),
        pipeline=_base_.train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        type='COCOADataset',
        data_root=data_root,
        ann_file='cocoa_objects_val2014.json',
        data_prefix=dict(img='COCOA/val2014/'),
        test_mode=True,
        pipeline=_base_.test_pipeline,
    )
)
test_dataloader = val_dataloader

val_evaluator = dict(
    type='AmodalCocoMetric', ann_file=data_root + 'cocoa_objects_val2014.json'
)
test_evaluator = val_evaluator
