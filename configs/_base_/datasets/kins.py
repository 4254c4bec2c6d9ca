# KINS, of either release: 7,474 images to train, 7,517 to test. First
#   for split in train val; do
#     python tools/dataset_converters/kins_to_amodal.py \
#       data/KINS/annotations/instances_$split.json data/kins_$split.json
#   done
# or the same with update_train_2020.json and update_test_2020.json.
_base_ = './amodal_lsj.py'

# The paper has no KINS, so sizes are ours. Images are about 375 x 1242 and many
# objects small; 800 x 1333 would hardly enlarge them (402 x 1333). Other work on KINS
# (VRSP, AISFormer) takes 800 x 3000, and so do we: 800 x 2650.
scale = (3000, 800)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAmodalAnnotations'),
    dict(type='RandomFlip', prob=0.5),
    # around the size of testing, as M2F does for Cityscapes; with 0.1 to 2 times 1024
    # an image would fill 60 % of the crop at most
    dict(
        type='RandomResize',
        scale=scale,
        ratio_range=(0.5, 2.0),
        resize_type='Resize',
        keep_ratio=True,
    ),
    dict(
        type='RandomCrop',
        crop_size=_base_.image_size,
        crop_type='absolute',
        recompute_bbox=True,
        allow_negative_crop=True,
    ),
    dict(type='FilterAnnotations', min_gt_bbox_wh=(1e-5, 1e-5), by_mask=True),
    dict(type='PackAmodalInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=scale, keep_ratio=True),
    dict(type='LoadAmodalAnnotations'),
    dict(
        type='PackAmodalInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]

data_root = 'data/'

train_dataloader = dict(
    dataset=dict(
        type='KINSDataset',
        data_root=data_root,
        ann_file='kins_train.json',
        data_prefix=dict(img='KINS/training/image_2/'),
        filter_cfg=dict(filter_empty_gt=True, min_size=32),
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        type='KINSDataset',
        data_root=data_root,
        ann_file='kins_val.json',
        data_prefix=dict(img='KINS/testing/image_2/'),
        test_mode=True,
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader

val_evaluator = dict(type='AmodalCocoMetric', ann_file=data_root + 'kins_val.json')
test_evaluator = val_evaluator
