"""Write synthetic scenes in D2SA's folder layout and annotation schema."""

import numpy as np

from .. import compositing
from .scenes import draw_scene
from .shapes import CLASSES

# Every split draws from its own random stream, so no seed can make two splits share an
# image; and image i of a split is the same however many images are made.
SPLIT_STREAMS = {'train': 0, 'val': 1, 'test': 2}


def write_split(
    out_dir: str, split: str, num_images: int, seed: int = 0, **scene_args
) -> dict:
    """Write one split: ``images/<split>_*.png`` and ``annotations/<split>.json``.

    Args:
        out_dir: Folder of the data set.
        split: One of ``SPLIT_STREAMS``.
        num_images: Number of images.
        seed: Seed of the data set; splits of one seed share nothing.
        **scene_args: Passed on to :func:`draw_scene`.

    Returns:
        The annotation file's content.
    """
    scenes = (
        draw_scene(
            np.random.default_rng([seed, SPLIT_STREAMS[split], index]), **scene_args
        )
        for index in range(num_images)
    )
    category_ids = {name: label + 1 for label, name in enumerate(CLASSES)}
    return compositing.write_split(out_dir, split, scenes, category_ids)
