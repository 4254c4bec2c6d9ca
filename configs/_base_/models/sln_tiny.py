# The same for amodal-mask-rcnn_tiny.py: 128 channels.
_base_ = './sln.py'

sln = dict(
    roi_head=dict(
        layering_head=dict(
            in_channels=128,
            conv_out_channels=128,
            norm_cfg=dict(type='GN', num_groups=16),
        ),
        mask_head=dict(in_channels=133),
    )
)
