# COCOA-cls: 2,276 images to train, 1,223 to test, without stuff.
_base_ = './amodal_lsj.py'

data_root = 'data/COCOA/'

train_dataloader = dict(
    dataset=dict(
        type='COCOAClsDataset',
        data_root=data_root,
        ann_file='annotations/COCO_amodal_train2014_with_classes.json',
        data_prefix=dict(img='train2014/'),
        filter_cfg=dict(filter_empty_gt=True, min_size=32),
        pipeline=_base_.train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        type='COCOAClsDataset',
        data_root=data_root,
        ann_file='annotations/COCO_amodal_val2014_with_classes.json',
        data_prefix=dict(img='val2014/'),
        test_mode=True,
        pipeline=_base_.test_pipeline,
    )
)
test_dataloader = val_dataloader

val_evaluator = dict(
    type='AmodalCocoMetric',
    ann_file=data_root + 'annotations/COCO_amodal_val2014_with_classes.json',
)
test_evaluator = val_evaluator
