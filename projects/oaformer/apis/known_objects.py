"""Objects of which something is known, as the user gives them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.structures import InstanceData

from ..models.task_modules import box_masks
from ..structures import RLE, encode_masks, rle_area, to_rle
from .inputs import Image, Input, InputError


class KnownObjects(NamedTuple):
    """What is known of the objects of one image.

    Attributes:
        visible_masks: For each object a bitmap (H, W), a COCO RLE, COCO polygons, or
            None where only the box is known.
        boxes: For each object x1, y1, x2, y2 of its visible part in pixels, or None.
        labels: For each object the name or the index of its class, or None.
    """

    visible_masks: Sequence[Any] | None = None
    boxes: Sequence[Any] | None = None
    labels: Sequence[str | int | None] | None = None


def known_of_images(
    inputs: Input | Sequence[Input],
    visible_masks: Sequence[Any] | None,
    boxes: Sequence[Any] | None,
    labels: Sequence[Any] | None,
) -> tuple[Sequence[Input], list[KnownObjects]]:
    """Put together what is known of the objects of each image.

    Args:
        inputs: An image or a list of images.
        visible_masks: As in :class:`KnownObjects`; of a list of images, such a list for
            each.
        boxes: Likewise.
        labels: Likewise.

    Returns:
        The list of images, and the known objects of each.

    Raises:
        InputError: If the lists have other lengths than that of the images.
    """
    lists = (visible_masks, boxes, labels)
    if not isinstance(inputs, (list, tuple)):
        inputs = [inputs]
        lists = [None if values is None else [values] for values in lists]
    for values in lists:
        if values is not None and len(values) != len(inputs):
            raise InputError(
                f'{len(inputs)} images, but objects of {len(values)} are given'
            )
    nothing = [None] * len(inputs)
    columns = [nothing if values is None else values for values in lists]
    return inputs, [KnownObjects(*one) for one in zip(*columns, strict=True)]


def with_prompts(
    images: Iterable[Image], known: Sequence[KnownObjects], classes: Sequence[str]
) -> Iterator[Image]:
    """Give each image the prompts of its objects; errors name the image."""
    for index, (image, objects) in enumerate(zip(images, known, strict=True)):
        try:
            prompts = to_prompts(objects, *image.image.shape[:2], classes)
        except InputError as error:
            name = image.path or f'image {index}'
            raise InputError(f'{name}: {error}') from error
        yield image._replace(prompts=prompts)


def to_prompts(
    known: KnownObjects, height: int, width: int, classes: Sequence[str]
) -> InstanceData:
    """Check what is known of the objects, and bring it into the model's form.

    An object's visible mask says more than its box, which is then not used.

    Args:
        known: The objects.
        height: Height of the image in pixels.
        width: Width of the image in pixels.
        classes: Names of the model's classes.

    Returns:
        See :func:`oaformer.models.task_modules.sample_prompts`.

    Raises:
        InputError: If nothing is known of an object or something can't be right.
    """
    numbers = {
        name: len(values)
        for name, values in known._asdict().items()
        if values is not None
    }
    if len(set(numbers.values())) > 1:
        raise InputError(f'the lists of known objects differ in length: {numbers}')
    if known.visible_masks is None and known.boxes is None or not any(numbers.values()):
        raise InputError('there is no object to complete: give visible masks or boxes')
    count = next(iter(numbers.values()))
    masks, is_box, labels = [], [], []
    nothing = [None] * count
    for index, (mask, box, label) in enumerate(
        zip(*(nothing if values is None else values for values in known), strict=True)
    ):
        try:
            if mask is None and box is None:
                raise InputError('neither a visible mask nor a box is given')
            if mask is None:
                masks.append(_box_rle(box, height, width))
            else:
                masks.append(_visible_rle(mask, height, width))
            labels.append(_label(label, classes))
        except (InputError, ValueError) as error:
            raise InputError(f'object {index}: {error}') from error
        is_box.append(mask is None)
    return InstanceData(
        masks=masks, is_box=torch.tensor(is_box), labels=torch.tensor(labels)
    )


def _visible_rle(mask: Any, height: int, width: int) -> RLE:
    if isinstance(mask, (np.ndarray, torch.Tensor)):
        bitmap = np.asarray(mask)
        if bitmap.shape != (height, width):
            raise InputError(
                f'the visible mask has the shape {bitmap.shape}, the image '
                f'({height}, {width})'
            )
        rle = encode_masks((bitmap > 0).astype(np.uint8)[None])[0]
    else:
        rle = to_rle(mask, height, width)
    if not rle_area(rle):
        raise InputError('the visible mask is empty')
    return rle


def _box_rle(box: Any, height: int, width: int) -> RLE:
    corners = np.asarray(box, dtype=np.float64)
    if corners.shape != (4,) or not np.isfinite(corners).all():
        raise InputError(f'a box is x1, y1, x2, y2 in pixels, not {box}')
    x1, y1, x2, y2 = corners
    if x2 <= x1 or y2 <= y1:
        raise InputError(
            f'the box {corners.tolist()} is empty: x2 and y2 are its right lower corner'
        )
    if x1 >= width or y1 >= height or x2 <= 0 or y2 <= 0:
        raise InputError(
            f'the box {corners.tolist()} is outside the image of {width} x {height}'
        )
    filled = box_masks(torch.from_numpy(corners)[None], (height, width))
    return encode_masks(filled.numpy())[0]


def _label(label: str | int | None, classes: Sequence[str]) -> int:
    if label is None:
        return -1
    if isinstance(label, str):
        if label not in classes:
            raise InputError(
                f"{label!r} is none of the model's classes: {', '.join(classes)}"
            )
        return list(classes).index(label)
    if not 0 <= label < len(classes):
        raise InputError(f'the class {label} is not from 0 to {len(classes) - 1}')
    return int(label)
