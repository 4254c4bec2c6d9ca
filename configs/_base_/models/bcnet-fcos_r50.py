# BCNet on FCOS, as its released code: MMDetection's
# fcos_r50-caffe_fpn_gn-head-center-normbbox-centeronreg-giou with another weight of the
# box loss and another score threshold.
_base_ = './amodal-mask-rcnn_r50.py'

model = dict(
    _delete_=True,
    type='FCOSMask',
    data_preprocessor=_base_.model.data_preprocessor,
    backbone=_base_.model.backbone,
    neck=dict(
        type='FPN',
        in_channels=[256, 512, 1024, 2048],
        out_channels=256,
        start_level=1,
        add_extra_convs='on_output',
        num_outs=5,
        relu_before_extra_convs=True,
    ),
    bbox_head=dict(
        type='FullPrecisionFCOSHead',
        num_classes=80,
        in_channels=256,
        strides=[8, 16, 32, 64, 128],
        norm_on_bbox=True,
        centerness_on_reg=True,
        center_sampling=True,
        conv_bias=True,
        loss_bbox=dict(type='GIoULoss', loss_weight=1.25),
    ),
    roi_head=dict(
        type='AmodalRoIHead',
        mask_roi_extractor=dict(
            type='SingleRoIExtractor',
            roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=0),
            out_channels=256,
            featmap_strides=[8, 16, 32, 64, 128],
            # the first level is P3, not P2
            finest_scale=112,
        ),
        mask_head=dict(type='BCNetMaskHead', num_classes=80),
    ),
    # masks are learned on all boxes that overlap an object by a half, and on the
    # objects' own
    train_cfg=dict(
        assigner=dict(
            type='MaxIoUAssigner',
            pos_iou_thr=0.5,
            neg_iou_thr=0.5,
            min_pos_iou=0.5,
            match_low_quality=False,
        ),
        sampler=dict(
            type='RandomSampler', num=1000, pos_fraction=1.0, add_gt_as_proposals=True
        ),
        mask_size=28,
    ),
    test_cfg=dict(
        nms_pre=1000,
        min_bbox_size=0,
        score_thr=0.03,
        nms=dict(type='nms', iou_threshold=0.6),
        max_per_img=100,
        mask_thr_binary=0.5,
    ),
)
