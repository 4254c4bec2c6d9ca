"""Depth of the objects of one image against their masks."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from ...structures import rle_area, rle_intersection
from .objects import ObjectMasks
from .problem import Finding
from .values import is_number

MIN_PIXELS = 10
"""So many pixels are enough to tell a wrong depth from the noise of outlines."""


class DepthObject(NamedTuple):
    """One object of an image.

    Attributes:
        annotation_id: Its id.
        index: Position of its annotation in the file.
        masks: Its masks.
        depth: Its ``occl_depth``: 0 is the front. None where it states none.
    """

    annotation_id: object
    index: int
    masks: ObjectMasks
    depth: float | None


def check_depths(objects: Sequence[DepthObject]) -> list[tuple[int, Finding]]:
    """Find pairs of objects that hide each other against their depths.

    Of two objects the one with the smaller depth is in front, so what is visible of the
    other can't lie inside its amodal mask.

    Args:
        objects: The objects of one image whose masks can be read.

    Returns:
        Position of an annotation and what is wrong with it; both objects of a pair, as
        either depth may be the wrong one.
    """
    findings = [
        (item.index, _not_a_depth(item.depth))
        for item in objects
        if item.depth is not None and not is_number(item.depth)
    ]
    ordered = [item for item in objects if is_number(item.depth)]
    ordered = [item for item in ordered if math.isfinite(item.depth)]
    ordered.sort(key=lambda item: item.depth)
    for front, back in combinations(ordered, 2):
        if front.depth == back.depth or not _boxes_overlap(front.masks, back.masks):
            continue
        pixels = rle_area(rle_intersection(front.masks.amodal, back.masks.visible))
        if pixels >= MIN_PIXELS:
            findings.append((front.index, _contradiction('before', back, pixels)))
            findings.append((back.index, _contradiction('behind', front, pixels)))
    return findings


def _contradiction(side: str, other: DepthObject, pixels: int) -> Finding:
    message = (
        f'its depth puts it {side} annotation {other.annotation_id}, but {pixels} '
        'pixels of the one behind are visible inside the amodal mask of the one before'
    )
    return Finding('occl_depth', 'occl_depth', message, pixels)


def _not_a_depth(depth: object) -> Finding:
    return Finding(
        'occl_depth', 'occl_depth', f'"occl_depth" is {depth!r}, not a number'
    )


def _boxes_overlap(first: ObjectMasks, second: ObjectMasks) -> bool:
    return all(
        first.bbox[side] < second.bbox[side] + second.bbox[side + 2]
        and second.bbox[side] < first.bbox[side] + first.bbox[side + 2]
        for side in (0, 1)
    )
