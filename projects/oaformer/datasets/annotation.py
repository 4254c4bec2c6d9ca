"""One annotation of the schema, checked and brought to one form."""

import math
from typing import NamedTuple

from ..structures import (
    RLE,
    rle_area,
    rle_bbox,
    rle_difference,
    rle_intersection,
    to_rle,
)

RATE_TOLERANCE = 1e-3
"""How far an annotated occlusion rate may be from the masks' own."""


class AmodalAnnotation(NamedTuple):
    """One object as the data sets hand it on.

    Attributes:
        amodal: Mask of the whole object.
        visible: Mask of its visible part, inside ``amodal``: ``amodal`` itself where
            nothing is hidden, empty where all is.
        occlusion_rate: Invisible area / amodal area, in [0, 1].
        bbox: Amodal box, (x1, y1, x2, y2) in pixels.
        corrections: What had to be put right, in words that can be counted.
    """

    amodal: RLE
    visible: RLE
    occlusion_rate: float
    bbox: list[float]
    corrections: list[str]


def parse_amodal_annotation(
    annotation: dict, height: int, width: int
) -> AmodalAnnotation:
    """Read one annotation in the schema (a COCO superset, D2SA's own keys).

    A missing ``visible_mask`` is the amodal mask without ``invisible_mask``, or
    the whole amodal mask where that is missing too. A missing ``occlude_rate`` is
    computed, and one that disagrees with the masks by more than 0.001 gives way to
    them.

    Args:
        annotation: Entry of ``annotations``; ``segmentation`` is the amodal mask.
        height: Height of the image in pixels.
        width: Width of the image in pixels.

    Returns:
        The object, with a list of what was corrected.

    Raises:
        ValueError: In plain words, if a mask can't be read or is empty.
    """
    corrections = []
    amodal = _mask(annotation, 'segmentation', height, width)
    area = rle_area(amodal)
    if area == 0:
        raise ValueError('"segmentation" is empty: the object has no pixel')
    visible = _visible_mask(annotation, amodal, height, width)
    inside = rle_intersection(visible, amodal)
    visible_area = rle_area(inside)
    if visible_area != rle_area(visible):
        corrections.append('visible mask cut to the amodal mask')
    visible = amodal if visible_area == area else inside
    rate = 1 - visible_area / area
    annotated = annotation.get('occlude_rate')
    if annotated is not None:
        annotated = float(annotated)
        if 0 <= annotated <= 1 and abs(annotated - rate) <= RATE_TOLERANCE:
            rate = annotated
        else:
            corrections.append('occlusion rate recomputed from the masks')
    x, y, box_width, box_height = annotation.get('bbox') or rle_bbox(amodal)
    is_finite = all(map(math.isfinite, (x, y, box_width, box_height)))
    if not is_finite or box_width <= 0 or box_height <= 0:
        corrections.append('box recomputed from the amodal mask')
        x, y, box_width, box_height = rle_bbox(amodal)
    bbox = [x, y, x + box_width, y + box_height]
    return AmodalAnnotation(amodal, visible, rate, bbox, corrections)


def _visible_mask(annotation: dict, amodal: RLE, height: int, width: int) -> RLE:
    if annotation.get('visible_mask') is not None:
        return _mask(annotation, 'visible_mask', height, width)
    if annotation.get('invisible_mask') is not None:
        invisible = _mask(annotation, 'invisible_mask', height, width)
        return rle_difference(amodal, invisible)
    return amodal


def _mask(annotation: dict, key: str, height: int, width: int) -> RLE:
    if annotation.get(key) is None:
        raise ValueError(f'"{key}" is missing')
    try:
        return to_rle(annotation[key], height, width)
    except ValueError as error:
        raise ValueError(f'"{key}": {error}') from error
