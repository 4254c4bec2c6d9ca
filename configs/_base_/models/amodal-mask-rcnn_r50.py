# Mask R-CNN with amodal boxes and masks. Backbone and initial weights are those of
# detectron2, which the published two-stage systems use.
_base_ = 'mmdet::_base_/models/mask-rcnn_r50_fpn.py'

# default_scope is mmdet already, and configs inside checkpoints name no scope
_base_.model.pop('_scope_')

model = dict(
    data_preprocessor=dict(
        mean=[103.530, 116.280, 123.675], std=[1.0, 1.0, 1.0], bgr_to_rgb=False
    ),
    backbone=dict(
        norm_cfg=dict(requires_grad=False),
        style='caffe',
        init_cfg=dict(
            type='Pretrained', checkpoint='open-mmlab://detectron2/resnet50_caffe'
        ),
    ),
    rpn_head=dict(type='FullPrecisionRPNHead'),
    roi_head=dict(
        type='AmodalRoIHead',
        mask_head=dict(
            _delete_=True,
            type='FCNAmodalMaskHead',
            num_convs=4,
            in_channels=256,
            conv_out_channels=256,
            num_classes=80,
        ),
    ),
)
