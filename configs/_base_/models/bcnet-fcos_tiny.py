# As small as amodal-mask-rcnn_tiny.py, and from the same level. All ours.
_base_ = './bcnet-fcos_r50.py'

norm_cfg = dict(type='GN', num_groups=16)
strides = [4, 8, 16, 32, 64]
model = dict(
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True
    ),
    backbone=dict(
        depth=18,
        base_channels=32,
        frozen_stages=-1,
        norm_cfg=dict(requires_grad=True),
        norm_eval=False,
        style='pytorch',
        init_cfg=None,
    ),
    neck=dict(
        in_channels=[32, 64, 128, 256],
        out_channels=128,
        start_level=0,
        norm_cfg=norm_cfg,
    ),
    bbox_head=dict(
        in_channels=128,
        feat_channels=128,
        stacked_convs=2,
        strides=strides,
        # FCOS's, in strides
        regress_ranges=[(-1, 32), (32, 64), (64, 128), (128, 256), (256, 1e8)],
        norm_cfg=norm_cfg,
    ),
    roi_head=dict(
        mask_roi_extractor=dict(
            out_channels=128, featmap_strides=strides, finest_scale=28
        ),
        mask_head=dict(in_channels=128),
    ),
    test_cfg=dict(max_per_img=20),
)
