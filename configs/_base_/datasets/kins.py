# KINS, of either release: 7,474 images to train, 7,517 to test. First
#   for split in train val; do
#     python tools/dataset_converters/kins_to_amodal.py \
#       data/KINS/annotations/instances_$split.json data/kins_$split.json
#   done
# or the same with update_train_2020.json and update_test_2020.json.
_base_ = './amodal_lsj.py'

# The paper has no KINS, so sizes are ours. Images are about 375 x 1242 and many
# objects small; 800 x 1333 would hardly enlarge them (402 x 1333). Other work on KINS
# (VRSP, AISFormer) takes 800 x 3000, which makes 800 x 2650, and so do we.
scale = (3000, 800)

train_pipeline = _base_.train_pipeline
# around the size of testing, as Mask2Former does for Cityscapes; with 0.1 to 2 times
# 1024 an image would fill 60 % of the crop at most
train_pipeline[3].update(scale=scale, ratio_range=(0.5, 2.0))
test_pipeline = _base_.test_pipeline
test_pipeline[1].update(scale=scale)

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
