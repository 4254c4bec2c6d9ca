# ShapeDict, ResNet-50, COCOA-cls. Settings as published. Shape priors first:
# python tools/misc/build_shape_priors.py configs/shapedict/shapedict_r50_cocoa-cls.py
_base_ = '../mask-rcnn/mask-rcnn_r50_cocoa-cls.py'

model = dict(
    roi_head=dict(
        type='ShapeDictRoIHead',
        mask_head=dict(
            type='ShapeDictMaskHead',
            shape_priors=dict(file='work_dirs/shape_priors/cocoa-cls.pth'),
            reclassification=dict(loss_weight=0.25),
        ),
    ),
    test_cfg=dict(rcnn=dict(reclassification_rescoring=True, shape_rescoring=2.0)),
)
