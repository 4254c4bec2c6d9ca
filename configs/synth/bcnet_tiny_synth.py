# BCNet as small as mask-rcnn_tiny_synth.py. All ours.
_base_ = './mask-rcnn_tiny_synth.py'

model = dict(
    roi_head=dict(
        mask_head=dict(
            _delete_=True,
            type='BCNetMaskHead',
            num_classes=5,
            in_channels=128,
        )
    )
)
