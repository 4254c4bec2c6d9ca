# From COCO's weights, which tools/model_converters/pretrained_to_amodal.py makes. Most
# of COCOA-cls's test images are training images of COCO, so the numbers are not
# comparable with those from ImageNet weights.
_base_ = './mask-rcnn_r50_cocoa-cls.py'

load_from = 'work_dirs/mask-rcnn_r50_cocoa-cls_from-coco.pth'
