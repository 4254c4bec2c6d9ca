"""SynthAmodal as a data set: its files, and reading them."""

import functools
import multiprocessing
from typing import Any

import numpy as np
from mmdet.registry import DATASETS

from .. import compositing
from ..amodal_coco import AmodalCocoDataset
from ..compositing import Scene
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
    out_dir: str,
    split: str,
    num_images: int,
    seed: int = 0,
    num_processes: int = 1,
    **scene_args: Any,
) -> dict:
    """Write one split: ``images/<split>_*.png`` and ``annotations/<split>.json``.

    Args:
        out_dir: Folder of the data set.
        split: 'train', 'val' or 'test'.
        num_images: Number of images.
        seed: Seed of the data set; splits of one seed share nothing.
        num_processes: Processes that draw; the files are the same with any number.
        **scene_args: Passed on to :func:`draw_scene`.

    Returns:
        The annotation file's content.
    """
    stream = [seed, _SPLIT_STREAMS[split]]
    draw = functools.partial(_draw, stream=stream, **scene_args)
    category_ids = {name: label + 1 for label, name in enumerate(CLASSES)}
    if num_processes == 1:
        scenes = map(draw, range(num_images))
        return compositing.write_split(out_dir, split, scenes, category_ids)
    with multiprocessing.Pool(num_processes) as pool:
        scenes = pool.imap(draw, range(num_images), chunksize=16)
        return compositing.write_split(out_dir, split, scenes, category_ids)


def _draw(index: int, stream: list[int], **scene_args: Any) -> Scene:
    return draw_scene(np.random.default_rng([*stream, index]), **scene_args)
