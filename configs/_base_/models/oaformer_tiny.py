# OAFormer small enough to train from scratch on a CPU. All ours: half the channels,
# ResNet-18 of half the width with trained norms, fewer layers, points and queries.
_base_ = './oaformer_r50.py'

embed_dims = 128
attention = dict(embed_dims=embed_dims)
model = dict(
    data_preprocessor=dict(batch_augments=None),
    backbone=dict(
        depth=18,
        base_channels=32,
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,
        init_cfg=None,
    ),
    panoptic_head=dict(
        in_channels=[32, 64, 128, 256],
        feat_channels=embed_dims,
        out_channels=embed_dims,
        num_queries=20,
        pixel_decoder=dict(
            norm_cfg=dict(num_groups=16),
            encoder=dict(
                num_layers=3,
                layer_cfg=dict(
                    self_attn_cfg=attention,
                    ffn_cfg=dict(embed_dims=embed_dims, feedforward_channels=256),
                ),
            ),
            positional_encoding=dict(num_feats=embed_dims // 2),
        ),
        positional_encoding=dict(num_feats=embed_dims // 2),
        transformer_decoder=dict(
            num_layers=3,
            layer_cfg=dict(
                self_attn_cfg=attention,
                cross_attn_cfg=attention,
                ffn_cfg=dict(embed_dims=embed_dims, feedforward_channels=256),
            ),
        ),
    ),
    train_cfg=dict(num_points=1024),
    test_cfg=dict(max_per_image=20),
)
