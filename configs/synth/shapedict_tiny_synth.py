# ShapeDict as small as mask-rcnn_tiny_synth.py. All ours. Shape priors first:
# python tools/misc/build_shape_priors.py configs/synth/shapedict_tiny_synth.py
_base_ = './mask-rcnn_tiny_synth.py'

model = dict(
    roi_head=dict(
        type='ShapeDictRoIHead',
        mask_head=dict(
            type='ShapeDictMaskHead',
            shape_priors=dict(file='work_dirs/shape_priors/synth_amodal.pth'),
            reclassification=dict(loss_weight=0.1, channels=256),
        ),
    ),
    test_cfg=dict(rcnn=dict(reclassification_rescoring=True, shape_rescoring=2.0)),
)
