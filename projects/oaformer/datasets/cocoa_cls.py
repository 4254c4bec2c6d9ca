"""COCOA-cls: everyday scenes with COCO's classes."""

from mmdet.datasets import CocoDataset
from mmdet.registry import DATASETS

from .amodal_coco import AmodalCocoDataset


@DATASETS.register_module()
class COCOAClsDataset(AmodalCocoDataset):
    """COCOA-cls, COCOA's objects with COCO classes (Follmann et al., WACV 2019).

    80 classes with COCO's own ids 1 to 90, which have gaps. Trains on
    ``COCO_amodal_train2014_with_classes.json``, tests on
    ``COCO_amodal_val2014_with_classes.json``, both without stuff.
    """

    METAINFO = CocoDataset.METAINFO
