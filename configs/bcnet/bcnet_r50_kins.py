# BCNet, ResNet-50, KINS (not in the paper).
_base_ = '../mask-rcnn/mask-rcnn_r50_kins.py'

model = dict(
    roi_head=dict(mask_head=dict(_delete_=True, type='BCNetMaskHead', num_classes=7))
)
