"""SynthAmodal as a data set: its files, and reading them."""

import numpy as np
from mmdet.registry import DATASETS

from .. import compositing
from ..amodal_coco import AmodalCocoDataset
from .scenes import draw_scene
from .shapes import CLASSES

# Every split draws from its own random stream, so no seed can make two splits share an
# image; and image i of a split is the same however many images are made.
_SPLIT_STREAMS = {'train': 0, 'val': 1, 'test': 2}


@DATASETS.register_module()
class SynthAmodalDataset(AmodalCocoDataset):
    """Textured shapes whose hidden part follows from the visible one.

    Made by ``tools/dataset_converters/make_synth_amodal.py``: ``train.json``,
    ``val.json`` and ``test.json``, each from random streams of its own.
    """

    METAINFO = dict(classes=CLASSES)


def write_split(
    out_dir: str, split: str, num_images: int, seed: int = 0, **scene_args
) -> dict:
    """Write one split: ``images/<split>_*.png`` and ``annotations/<split>.json``.

    Args:
        out_dir: Folder of the data set.
        split: 'train', 'val' or 'test'.
        num_images: Number of images.
        seed: Seed of the data set; splits of one seed share nothing.
        **scene_args: Passed on to :func:`draw_scene`.

    Returns:
        The annotation file's content.
    """
    stream = _SPLIT_STREAMS[split]
    scenes = (
        draw_scene(np.random.default_rng([seed, stream, index]), **scene_args)
        for index in range(num_images)
    )
    category_ids = {name: label + 1 for label, name in enumerate(CLASSES)}
    return compositing.write_split(out_dir, split, scenes, category_ids)
