"""UOAIS-Sim and SynTable: rendered heaps on tables and in bins."""

from mmdet.registry import DATASETS

from .amodal_coco import AmodalCocoDataset


@DATASETS.register_module()
class UOAISDataset(AmodalCocoDataset):
    """UOAIS-Sim, unseen objects without classes (Back et al., ICRA 2022).

    One class, ``object``. Reads what ``tools/dataset_converters/uoais_to_amodal.py``
    makes of ``coco_anns_uoais_sim_{train,val}.json``, and of the files of SynTable
    (Ng et al., 2023), which have the same keys.
    """

    METAINFO = dict(classes=('object',))
