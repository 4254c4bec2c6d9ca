"""SynthAmodal as a data set."""

from mmdet.registry import DATASETS

from ..amodal_coco import AmodalCocoDataset
from .shapes import CLASSES


@DATASETS.register_module()
class SynthAmodalDataset(AmodalCocoDataset):
    """Textured shapes whose hidden part follows from the visible one.

    Made by ``tools/dataset_converters/make_synth_amodal.py``: ``train.json``,
    ``val.json`` and ``test.json``, each from random streams of its own.
    """

    METAINFO = dict(classes=CLASSES)
