"""Write synthetic scenes in D2SA's folder layout and annotation schema."""

from pathlib import Path

import cv2
import numpy as np

from ...structures import encode_masks
from ..annotation import to_annotation
from ..atomic_write import write_json
from .scenes import Scene, draw_scene
from .shapes import CLASSES

# Every split draws from its own random stream, so no seed can make two splits share an
# image; and image i of a split is the same however many images are made.
SPLIT_STREAMS = {'train': 0, 'val': 1, 'test': 2}


def scene_annotations(scene: Scene, image_id: int, first_id: int) -> list[dict]:
    """Describe the objects of a scene in D2SA's annotation schema.

    Args:
        scene: The scene.
        image_id: Id of its image.
        first_id: Annotation id of its first object; the others follow.

    Returns:
        COCO annotations, front-most object (``occl_depth`` 0) first.
    """
    amodal = encode_masks(np.stack([item.amodal for item in scene.objects]))
    visible = encode_masks(np.stack([item.visible for item in scene.objects]))
    return [
        to_annotation(
            *masks,
            id=first_id + depth,
            image_id=image_id,
            category_id=item.label + 1,
            occl_depth=depth,
        )
        for depth, (item, *masks) in enumerate(
            zip(scene.objects, amodal, visible, strict=True)
        )
    ]


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
    images_dir = Path(out_dir) / 'images'
    images_dir.mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for index in range(num_images):
        rng = np.random.default_rng([seed, SPLIT_STREAMS[split], index])
        scene = draw_scene(rng, **scene_args)
        height, width = scene.image.shape[:2]
        name = f'{split}_{index + 1:06d}.png'
        path = str(images_dir / name)
        if not cv2.imwrite(path, scene.image):
            raise OSError(f'cannot write the image {path}')
        image_id = index + 1
        images.append(dict(id=image_id, file_name=name, height=height, width=width))
        annotations += scene_annotations(scene, image_id, len(annotations) + 1)
    categories = [dict(id=i + 1, name=name) for i, name in enumerate(CLASSES)]
    content = dict(images=images, annotations=annotations, categories=categories)
    write_json(Path(out_dir) / 'annotations' / f'{split}.json', content)
    return content
