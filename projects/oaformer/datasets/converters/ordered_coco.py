"""Read a COCO-style file with whole masks and, under a key, their order."""

import math
import os
from collections.abc import Mapping
from typing import Any

from ..annotation import PARTS, has_parts
from ..annotation_check import find_img_dir
from ..annotation_file import read_annotation_file
from ..annotation_keys import unread_keys
from .conversion import image_size, raise_problems
from .outlines import Outline, OutlinedImage

_REPLACED = {'segmentation', 'bbox', 'area', 'occlude_rate', *PARTS}


def read_ordered_coco(
    src: str,
    img_dir: str | None = None,
    order_key: str | None = None,
    front: str = 'high',
) -> tuple[list[OutlinedImage], dict[str, int]]:
    """Read a COCO-style file whose ``segmentation`` is the whole object.

    Ids stay, and so do all keys but those that new ones replace, and those that look
    like masks, rates or flags and are not read.

    Args:
        src: The file.
        img_dir: Folder of the images; looked for beside the file where None.
        order_key: Key of annotations that holds their place in depth, a number. None:
            it is not known.
        front: Which place is the nearest, 'high' or 'low'.

    Returns:
        The images, and the category ids by label.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If something is wrong with the file, its images or its order.
    """
    file = read_annotation_file(src)
    if img_dir is None:
        names = [image['file_name'] for image in file.images.values()]
        img_dir = find_img_dir(src, names)
    if img_dir is None:
        raise ValueError(f'{src}: its images are not found: name --img-dir')
    problems: list[str] = []
    for image in file.images.values():
        try:
            path = os.path.join(img_dir, image['file_name'])
            image_size(path, image['height'], image['width'])
        except ValueError as error:
            problems.append(f'{src}: image {image["id"]}: {error}')
    unread = {finding.key for finding in unread_keys(file.annotations)}
    labels = {key: label for label, key in file.category_ids.items()}
    outlines: dict[int, list[Outline]] = {key: [] for key in file.images}
    for annotation in file.annotations:
        name = f'annotation {annotation["id"]}'
        try:
            order = _order(annotation, order_key, front)
        except ValueError as error:
            problems.append(f'{src}: {name}: {error}')
            continue
        parsed = file.parse(annotation)
        fields = {
            key: value
            for key, value in annotation.items()
            if key not in _REPLACED | unread
        }
        label = labels[annotation['category_id']]
        outlines[annotation['image_id']].append(
            Outline(
                f'{name} ({label})',
                label,
                parsed.amodal,
                order,
                notes=(
                    *parsed.corrections,
                    *(f'"{key}" dropped' for key in unread & annotation.keys()),
                ),
                fields=fields | dict(iscrowd=int(parsed.iscrowd)),
            )
        )
    raise_problems(problems)
    images = [
        OutlinedImage(src, image, outlines[key]) for key, image in file.images.items()
    ]
    return images, file.category_ids


def _order(annotation: Mapping[str, Any], key: str | None, front: str) -> float:
    """The place of an object; greater is nearer."""
    if has_parts(annotation):
        raise ValueError(
            'it has a mask of a part already: the file needs no conversion'
        )
    if key is None:
        return 0
    order = annotation.get(key)
    if not isinstance(order, (int, float)) or not math.isfinite(order):
        raise ValueError(f'its "{key}" is {order!r}, not a number')
    return order if front == 'high' else -order
