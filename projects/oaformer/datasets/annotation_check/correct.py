"""Correction of one image or one annotation."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...structures import rle_difference
from .entries import SIDES, has_size
from .image_files import ImageFile
from .objects import ObjectMasks, read_masks, rle_size
from .problem import Problem
from .values import without_non_finite

# What these say can't be told from anything else.
_NEEDED_OF_IMAGE = (None, 'id', 'file_name')
_NEEDED_OF_ANNOTATION = (None, 'segmentation', 'image_id', 'category_id')


def correct_image(
    image: Any,
    problems: Sequence[Problem],
    annotations: Sequence[Mapping[str, Any]],
    file: ImageFile | None,
) -> dict | None:
    """Correct an image of the file.

    Args:
        image: Entry of ``images``.
        problems: What is wrong with it.
        annotations: Its annotations.
        file: Its file, None where that isn't known.

    Returns:
        A corrected copy; None if it can't be corrected.
    """
    kinds = {problem.kind for problem in problems}
    keys = {problem.key for problem in problems if problem.kind != 'image_size'}
    if not keys.isdisjoint(_NEEDED_OF_IMAGE):
        return None
    image = dict(image)
    if 'image_size' in kinds or not has_size(image):
        size = _true_size(annotations, file, 'image_size' in kinds)
        if size is None:
            return None
        image |= dict(zip(SIDES, size, strict=True))
    return _null_non_finite(image, keys.difference(SIDES))


def correct_annotation(
    annotation: Any,
    problems: Sequence[Problem],
    image: Mapping[str, Any] | None,
    new_id: int,
) -> dict | None:
    """Correct an annotation of the file.

    Args:
        annotation: Entry of ``annotations``.
        problems: What is wrong with it.
        image: Its image, None where that isn't in the file.
        new_id: Id for an annotation that needs another one.

    Returns:
        A corrected copy; None if it can't be corrected.
    """
    keys = {problem.key for problem in problems}
    if not keys.isdisjoint(_NEEDED_OF_ANNOTATION):
        return None
    annotation = dict(annotation)
    if 'id' in keys:
        annotation['id'] = new_id
    if 'iscrowd' in keys:
        if annotation['iscrowd'] not in ('0', '1'):
            return None
        annotation['iscrowd'] = int(annotation['iscrowd'])
    if 'occl_depth' in keys:
        del annotation['occl_depth']
    masks = None
    if image is not None and has_size(image):
        size = image['height'], image['width']
        if keys & {'visible_mask', 'invisible_mask'}:
            masks = _read_or_rebuild(annotation, *size)
            if masks is None:
                return None
            _write_parts(annotation, masks)
        else:
            masks, _ = read_masks(annotation, *size)
    if masks is not None:
        numbers = dict(
            bbox=masks.bbox,
            area=float(masks.area),
            occlude_rate=masks.occlusion_rate,
        )
        annotation |= {key: numbers[key] for key in numbers.keys() & keys}
    return _null_non_finite(annotation, keys)


def _true_size(
    annotations: Sequence[Mapping[str, Any]],
    file: ImageFile | None,
    is_contradicted: bool,
) -> tuple[int, int] | None:
    """Size (height, width) of an image by its file and masks; None if that is open.

    Polygons fit any size: they can't vouch for a file that contradicts the annotation.
    """
    sizes = {
        tuple(size)
        for item in annotations
        if (size := rle_size(item.get('segmentation'))) is not None
    }
    if file is None or file.size is None:
        size = sizes.pop() if len(sizes) == 1 else None
        is_size = size is not None and has_size(dict(zip(SIDES, size, strict=False)))
        return size if is_size and len(size) == 2 else None
    is_supported = file.size in sizes or not annotations
    if is_supported or (not sizes and not is_contradicted):
        return file.size
    return None


def _read_or_rebuild(
    annotation: dict[str, Any], height: int, width: int
) -> ObjectMasks | None:
    """Masks of an annotation, an unusable visible one made of the invisible one."""
    masks, _ = read_masks(annotation, height, width)
    if masks is None and annotation.get('invisible_mask') is not None:
        masks, _ = read_masks({**annotation, 'visible_mask': None}, height, width)
    return masks


def _write_parts(annotation: dict[str, Any], masks: ObjectMasks) -> None:
    annotation['visible_mask'] = masks.visible
    if masks.visible_area < masks.area:
        annotation['invisible_mask'] = rle_difference(masks.amodal, masks.visible)
    else:
        annotation.pop('invisible_mask', None)


def _null_non_finite(entry: dict[str, Any], keys: set[str | None]) -> dict[str, Any]:
    return entry | {key: without_non_finite(entry[key]) for key in keys if key in entry}
