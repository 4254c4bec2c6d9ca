"""COCOA and COCOA-cls: everyday scenes."""

from mmdet.datasets import CocoDataset
from mmdet.registry import DATASETS

from .amodal_coco import AmodalCocoDataset


@DATASETS.register_module()
class COCOADataset(AmodalCocoDataset):
    """COCOA, class-agnostic (Zhu et al., Semantic Amodal Segmentation, CVPR 2017).

    One class, ``object``: COCOA's own names are free text. 2,500 images to train,
    1,323 to validate, 1,250 to test. Reads what
    ``tools/dataset_converters/cocoa_to_amodal.py`` makes of
    ``COCO_amodal_{train,val,test}2014.json``, and as they are the files
    ``COCO_amodal_{train,val,test}2014_detectron_no_stuff.json`` that are handed on
    together with COCOA-cls.
    """

    METAINFO = dict(classes=('object',))


@DATASETS.register_module()
class COCOAClsDataset(AmodalCocoDataset):
    """COCOA-cls, COCOA's objects with COCO classes (Follmann et al., WACV 2019).

    80 classes with COCO's own ids 1 to 90, which have gaps. Trains on
    ``COCO_amodal_train2014_with_classes.json``, tests on
    ``COCO_amodal_val2014_with_classes.json``, both without stuff.
    """

    METAINFO = CocoDataset.METAINFO
