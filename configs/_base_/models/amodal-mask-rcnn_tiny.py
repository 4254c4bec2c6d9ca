# As small as oaformer_tiny.py: ResNet-18 of half the width with trained norms, 128
# channels. All ours.
_base_ = './amodal-mask-rcnn_r50.py'

norm_cfg = dict(type='GN', num_groups=16)
roi_extractor = dict(out_channels=128, finest_scale=28)
proposals = dict(nms_pre=500, max_per_img=200)
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
    neck=dict(in_channels=[32, 64, 128, 256], out_channels=128, norm_cfg=norm_cfg),
    rpn_head=dict(
        in_channels=128,
        feat_channels=128,
        anchor_generator=dict(scales=[4]),  # sides of 16 to 256, for images of 128
    ),
    roi_head=dict(
        bbox_roi_extractor=roi_extractor,
        bbox_head=dict(in_channels=128, fc_out_channels=256),
        mask_roi_extractor=roi_extractor,
        mask_head=dict(in_channels=128, conv_out_channels=128, norm_cfg=norm_cfg),
    ),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=128)),
        rpn_proposal=proposals,
        rcnn=dict(sampler=dict(num=32)),
    ),
    test_cfg=dict(rpn=proposals, rcnn=dict(max_per_img=20)),
)
