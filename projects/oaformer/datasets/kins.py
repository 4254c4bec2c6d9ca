"""KINS: street scenes from a car."""

from mmdet.registry import DATASETS

from .amodal_coco import AmodalCocoDataset


@DATASETS.register_module()
class KINSDataset(AmodalCocoDataset):
    """KINS, KITTI's images with amodal masks (Qi et al., CVPR 2019).

    7 classes with ids 1, 2 and 4 to 8. 7,474 images to train (KITTI's
    ``training/image_2``) and 7,517 to test (``testing/image_2``), about 375 x 1242.
    Reads what ``tools/dataset_converters/kins_to_amodal.py`` makes of either release:
    ``instances_{train,val}.json`` or ``update_{train,test}_2020.json``. Id 3 is the
    paper's class ``rider``, of which neither release has an object: listed in some
    files, unused.
    """

    METAINFO = dict(
        classes=('cyclist', 'pedestrian', 'car', 'tram', 'truck', 'van', 'misc')
    )
