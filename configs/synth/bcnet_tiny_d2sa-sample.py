# BCNet as small as mask-rcnn_tiny_d2sa-sample.py.
_base_ = './mask-rcnn_tiny_d2sa-sample.py'

model = dict(
    roi_head=dict(
        mask_head=dict(
            _delete_=True,
            type='BCNetMaskHead',
            num_classes=60,
            in_channels=128,
        )
    )
)
