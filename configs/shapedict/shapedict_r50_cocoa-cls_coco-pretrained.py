# From COCO's weights; see ../mask-rcnn/mask-rcnn_r50_cocoa-cls_coco-pretrained.py.
_base_ = './shapedict_r50_cocoa-cls.py'

load_from = 'work_dirs/shapedict_r50_cocoa-cls_from-coco.pth'
