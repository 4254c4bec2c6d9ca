# AISFormer, ResNet-50, D2SA (not in the paper).
_base_ = '../mask-rcnn/mask-rcnn_r50_d2sa.py'

model = dict(
    roi_head=dict(
        mask_head=dict(_delete_=True, type='AISFormerMaskHead', num_classes=60)
    )
)
