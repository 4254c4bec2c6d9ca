# What SLN changes in Mask R-CNN; configs write model = _base_.sln.
sln = dict(
    roi_head=dict(
        type='SLNRoIHead',
        layering_head=dict(type='GlobalLayeringHead'),
        mask_roi_extractor=dict(roi_layer=dict(output_size=16)),
        # 256 of the RoI and 5 of the layering head
        mask_head=dict(type='SLNMaskHead', in_channels=261),
    ),
    train_cfg=dict(rcnn=dict(mask_size=32)),
)
