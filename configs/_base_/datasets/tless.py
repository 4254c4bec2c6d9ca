# T-LESS as BOP has it: 50,000 rendered images to train, real ones to test. First
#   for split in train_pbr test_primesense; do
#     python tools/dataset_converters/bop_to_amodal.py \
#       data/tless/$split data/tless_$split.json
#   done
_base_ = './amodal_lsj.py'

data_root = 'data/'

train_dataloader = dict(
    dataset=dict(
        type='TLESSDataset',
        data_root=data_root,
        ann_file='tless_train_pbr.json',
        data_prefix=dict(img='tless/train_pbr/'),
        filter_cfg=dict(filter_empty_gt=True, min_size=32),
        pipeline=_base_.train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        type='TLESSDataset',
        data_root=data_root,
        ann_file='tless_test_primesense.json',
        data_prefix=dict(img='tless/test_primesense/'),
        test_mode=True,
        pipeline=_base_.test_pipeline,
    )
)
test_dataloader = val_dataloader

val_evaluator = dict(
    type='AmodalCocoMetric', ann_file=data_root + 'tless_test_primesense.json'
)
test_evaluator = val_evaluator
