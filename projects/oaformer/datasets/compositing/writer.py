"""Writing composed images as a data set."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import cv2
import numpy as np

from ...structures import encode_masks
from ..annotation import to_annotation
from ..atomic_write import atomic_path, check_folder, write_json
from .scene import Scene


def write_composites(
    out_dir: str,
    number: int,
    seed: int,
    compose_one: Callable[[np.random.Generator], Scene],
    category_ids: dict[str, int],
    name: str,
    info: dict,
) -> dict:
    """Compose images and write them with :func:`write_split`.

    ``out_dir`` appears when it is complete. Image i of a seed is the same however many
    are made.

    Args:
        out_dir: Folder of the data set; must not exist.
        number: Number of images.
        seed: Seed.
        compose_one: Composes an image.
        category_ids: Category id by class name.
        name: Name of the annotation file and prefix of the images.
        info: The annotation file's ``info``: what it was made from.

    Returns:
        The annotation file's content.

    Raises:
        FileExistsError: If ``out_dir`` exists.
        OSError: If a file can't be written.
    """
    check_new_folder(out_dir)
    scenes = (
        compose_one(np.random.default_rng([seed, index])) for index in range(number)
    )
    with atomic_path(out_dir) as part:
        return write_split(part, name, scenes, category_ids, info)


def check_new_folder(folder: str | os.PathLike) -> None:
    """Check, before work is done, that a folder can be made and does not exist.

    Raises:
        OSError: If it exists or its parent can't be written to.
    """
    if os.path.lexists(folder):
        raise FileExistsError(
            f'{folder} exists; remove it or name another folder with --out-dir'
        )
    check_folder(folder, f'--out-dir {folder}')


def write_split(
    folder: str | os.PathLike,
    name: str,
    scenes: Iterable[Scene],
    category_ids: Mapping[str, int],
    info: dict | None = None,
) -> dict:
    """Write ``images/NAME_*.png`` and ``annotations/NAME.json`` into a folder.

    Args:
        folder: The folder; made where it is missing.
        name: Name of the annotation file and prefix of the images.
        scenes: The images; ``occl_depth`` counts from 0 at the front where known.
        category_ids: Category id by class name.
        info: The annotation file's ``info``.

    Returns:
        The annotation file's content.

    Raises:
        OSError: If a file can't be written.
    """
    (Path(folder) / 'images').mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for image_id, scene in enumerate(scenes, start=1):
        file_name = f'{name}_{image_id:06d}.png'
        path = str(Path(folder) / 'images' / file_name)
        if not cv2.imwrite(path, scene.image):
            raise OSError(f'cannot write the image {path}')
        height, width = scene.image.shape[:2]
        image = dict(id=image_id, file_name=file_name, height=height, width=width)
        images.append(image | scene.origin)
        for depth, one in enumerate(scene.objects):
            masks = encode_masks(np.stack([one.amodal, one.visible]))
            fields = dict(id=len(annotations) + 1, image_id=image_id) | one.fields
            if depth < scene.num_ordered:
                fields['occl_depth'] = depth
            annotations.append(to_annotation(*masks, **fields))
    categories = [dict(id=key, name=label) for label, key in category_ids.items()]
    content = dict(images=images, annotations=annotations, categories=categories)
    if info is not None:
        content = dict(info=info) | content
    write_json(Path(folder) / 'annotations' / f'{name}.json', content)
    return content
