# ShapeDict, ResNet-50, KINS. Settings as published: small codes of upright shapes,
# and no rescoring by the class of the visible part. Shape priors first:
# python tools/misc/build_shape_priors.py configs/shapedict/shapedict_r50_kins.py \
#     --upright
_base_ = '../mask-rcnn/mask-rcnn_r50_kins.py'

model = dict(
    roi_head=dict(
        type='ShapeDictRoIHead',
        mask_head=dict(
            type='ShapeDictMaskHead',
            shape_priors=dict(file='work_dirs/shape_priors/kins.pth', num_stages=2),
            reclassification=dict(loss_weight=0.25),
        ),
    ),
    test_cfg=dict(rcnn=dict(shape_rescoring=3.0)),
)
