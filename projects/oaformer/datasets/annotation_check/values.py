"""Values of single keys: numbers, ids, polygons."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from .problem import Finding

MASK_KEYS = ('segmentation', 'visible_mask', 'invisible_mask')


def is_number(value: object) -> bool:
    """Whether a value is a number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_id(value: object) -> bool:
    """Whether a value can be an id: a whole number or a text."""
    return isinstance(value, (int, str)) and not isinstance(value, bool)


def is_side(value: object) -> bool:
    """Whether a value can be a height or width in pixels."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def is_finite(value: object) -> bool:
    """Whether a value holds no number that is infinite or not a number.

    Args:
        value: Anything that JSON can hold.
    """
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(map(is_finite, value.values()))
    if isinstance(value, list):
        return all(map(is_finite, value))
    return True


def without_non_finite(value: Any) -> Any:
    """Copy of a JSON value, null in place of every number that is not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: without_non_finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_non_finite(item) for item in value]
    return value


def find_non_finite(entry: Mapping[str, Any], skip: Iterable[str]) -> list[Finding]:
    """Keys of an entry that hold numbers which are not finite.

    Args:
        entry: Entry of the file.
        skip: Keys that are looked at elsewhere.

    Returns:
        One finding per key.
    """
    return [
        Finding('not_finite', key, f'"{key}" holds a number that is not finite')
        for key, value in entry.items()
        if key not in skip and not is_finite(value)
    ]


def polygons_of(segmentation: object) -> list[list[float]]:
    """Polygons ``[x1, y1, x2, y2, ...]`` of a mask that :func:`to_rle` can read.

    Returns:
        The polygons; none where the mask is an RLE.
    """
    if isinstance(segmentation, Mapping):
        return []
    flat = not isinstance(segmentation[0], list)
    polygons = [segmentation] if flat else segmentation
    return [[float(value) for value in polygon] for polygon in polygons]


def outline_length(polygons: Iterable[list[float]]) -> float:
    """Length of the outlines of closed polygons, in pixels."""
    total = 0.0
    for polygon in polygons:
        points = list(zip(polygon[::2], polygon[1::2], strict=True))
        total += sum(map(math.dist, points, points[1:] + points[:1]))
    return total


def polygon_bbox(polygons: Iterable[list[float]]) -> list[float]:
    """Box ``[x, y, width, height]`` around polygons, in pixels."""
    xs = [x for polygon in polygons for x in polygon[::2]]
    ys = [y for polygon in polygons for y in polygon[1::2]]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
