"""Data sets of the BOP benchmark for object poses."""

from mmdet.registry import DATASETS

from .amodal_coco import AmodalCocoDataset


@DATASETS.register_module()
class TLESSDataset(AmodalCocoDataset):
    """T-LESS, industrial objects without texture (Hodan et al., WACV 2017).

    30 classes, ``obj_000001`` to ``obj_000030``. Reads what
    ``tools/dataset_converters/bop_to_amodal.py`` makes of BOP's splits: ``train_pbr``,
    50,000 rendered images, and ``test_primesense``, real ones.
    """

    METAINFO = dict(classes=tuple(f'obj_{number:06d}' for number in range(1, 31)))
