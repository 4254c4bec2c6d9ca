# OAFormer on Mask2Former with a ResNet-50. "paper": OAFormer, ICASSP 2023; "ours": our
# own choice; "M2F" and all that is not marked: the paper does not name it, and it is
# as in Mask2Former.
data_preprocessor = dict(
    type='DetDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    pad_size_divisor=32,
    pad_mask=True,
    mask_pad_value=0,
    batch_augments=[
        dict(
            type='BatchFixedSizePad',
            size=(1024, 1024),  # M2F
            img_pad_value=0,
            pad_mask=True,
            mask_pad_value=0,
            pad_seg=False,
        )
    ],
)

model = dict(
    type='OAFormer',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='ResNet',
        depth=50,  # paper
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        frozen_stages=-1,
        # M2F's BN(requires_grad=False) with norm_eval=True: the same numbers, but
        # nothing is saved for an unused gradient
        norm_cfg=dict(type='FrozenBN'),
        style='pytorch',
        # ImageNet weights by direct address, so that torchvision is not needed. Your
        # own copy: --cfg-options model.backbone.init_cfg.checkpoint=FILE
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.pytorch.org/models/resnet50-0676ba61.pth',
        ),
    ),
    panoptic_head=dict(
        type='OAFormerHead',
        in_channels=[256, 512, 1024, 2048],
        strides=[4, 8, 16, 32],
        feat_channels=256,
        out_channels=256,
        num_things_classes=80,  # the only place that names the number of classes
        num_stuff_classes=0,
        num_queries=100,  # paper, table 2
        num_transformer_feat_level=3,
        pixel_decoder=dict(  # the paper's cascaded global decoder, from M2F
            type='OAFormerPixelDecoder',
            num_outs=3,
            norm_cfg=dict(type='GN', num_groups=32),
            act_cfg=dict(type='ReLU'),
            encoder=dict(
                num_layers=6,
                layer_cfg=dict(
                    self_attn_cfg=dict(
                        embed_dims=256,
                        num_heads=8,
                        num_levels=3,
                        num_points=4,
                        dropout=0.0,
                        batch_first=True,
                    ),
                    ffn_cfg=dict(
                        embed_dims=256,
                        feedforward_channels=1024,
                        num_fcs=2,
                        ffn_drop=0.0,
                        act_cfg=dict(type='ReLU', inplace=True),
                    ),
                ),
            ),
            positional_encoding=dict(num_feats=128, normalize=True),
        ),
        enforce_decoder_input_project=False,
        positional_encoding=dict(num_feats=128, normalize=True),
        # ours: 3 layers in the ODM and 6 in the amodal decoder are M2F's 9, so that
        # "without ODM" has the same depth
        odm=dict(
            type='OcclusionDistinguishModule', num_layers=3, attention_mask='binary'
        ),
        transformer_decoder=dict(  # the paper's amodal decoder
            return_intermediate=True,
            num_layers=6,
            layer_cfg=dict(
                self_attn_cfg=dict(
                    embed_dims=256, num_heads=8, dropout=0.0, batch_first=True
                ),
                cross_attn_cfg=dict(
                    embed_dims=256, num_heads=8, dropout=0.0, batch_first=True
                ),
                ffn_cfg=dict(
                    embed_dims=256,
                    feedforward_channels=2048,
                    num_fcs=2,
                    ffn_drop=0.0,
                    act_cfg=dict(type='ReLU', inplace=True),
                ),
            ),
            init_cfg=None,
        ),
        loss_cls=dict(
            type='CrossEntropyLoss',
            use_sigmoid=False,
            loss_weight=0.2,  # paper, lambda 4
            reduction='mean',
            bg_cls_weight=0.1,  # M2F
        ),
        loss_mask=dict(
            type='CrossEntropyLoss',
            use_sigmoid=True,
            reduction='mean',
            loss_weight=0.5,  # paper, lambda 2
        ),
        loss_dice=dict(
            type='DiceLoss',
            use_sigmoid=True,
            activate=True,
            reduction='mean',
            naive_dice=True,
            eps=1.0,
            loss_weight=0.5,  # paper, lambda 3
        ),
        loss_occlusion=dict(
            type='OcclusionRateLoss',
            loss_weight=2.0,  # paper, lambda 1
        ),
    ),
    train_cfg=dict(  # M2F
        num_points=12544,
        oversample_ratio=3.0,
        importance_sample_ratio=0.75,
        assigner=dict(
            type='HungarianAssigner',
            # the same 2 : 5 : 5 as the paper's 0.2 : 0.5 : 0.5
            match_costs=[
                dict(type='ClassificationCost', weight=2.0),
                dict(type='CrossEntropyLossCost', weight=5.0, use_sigmoid=True),
                dict(type='DiceCost', weight=5.0, pred_act=True, eps=1.0),
            ],
        ),
        sampler=dict(type='MaskPseudoSampler'),
    ),
    test_cfg=dict(
        max_per_image=100,  # M2F
        mask_chunk_size=10,  # ours, for memory
    ),
)
