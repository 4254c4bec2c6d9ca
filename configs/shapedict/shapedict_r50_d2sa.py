# ShapeDict, ResNet-50, D2SA. Settings as published. Shape priors first:
# python tools/misc/build_shape_priors.py configs/shapedict/shapedict_r50_d2sa.py
_base_ = '../mask-rcnn/mask-rcnn_r50_d2sa.py'

model = dict(
    roi_head=dict(
        type='ShapeDictRoIHead',
        mask_head=dict(
            type='ShapeDictMaskHead',
            shape_priors=dict(file='work_dirs/shape_priors/d2sa.pth'),
            reclassification=dict(loss_weight=0.1),
        ),
    ),
    test_cfg=dict(rcnn=dict(reclassification_rescoring=True, shape_rescoring=2.0)),
)
