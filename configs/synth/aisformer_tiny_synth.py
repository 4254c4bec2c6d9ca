# AISFormer as small as mask-rcnn_tiny_synth.py. All ours.
_base_ = './mask-rcnn_tiny_synth.py'

model = dict(
    roi_head=dict(
        mask_head=dict(
            _delete_=True,
            type='AISFormerMaskHead',
            num_classes=5,
            in_channels=128,
            feedforward_channels=256,
            dropout=0.0,  # PyTorch's fused attention for CPUs has none
        )
    )
)
