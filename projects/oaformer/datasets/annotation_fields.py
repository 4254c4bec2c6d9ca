"""Fields of one annotation: their types, and whether they agree with the masks.

``read_*`` check the type of a field; ``agreeing_*`` choose between a field and the
masks. All of them append what they find to ``findings``.
"""

import math
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from .findings import Finding

EDGE_TOLERANCE = 1.0
"""How far an edge of a box may be from the mask's, in pixels. Data sets differ in
whether a box ends at its last pixel or behind it."""
AREA_TOLERANCE = 1.0
"""How far an area may be from the mask's, in pixels."""


def is_number(value: object) -> bool:
    """Whether a value is a number; True and False are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _as_float(value: float | None) -> float | None:
    """The number, infinite where it is a whole one that no float can hold."""
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        return math.copysign(math.inf, value > 0 or -1)
    return value


def read_flag(annotation: Mapping[str, Any], key: str, findings: list[Finding]) -> bool:
    """The flag ``key``: 0, 1, False or True; False where it is missing."""
    value = annotation.get(key)
    if value not in (None, 0, 1):
        message = f'"{key}" is {value!r}, not 0 or 1'
        findings.append(Finding('invalid_value', key, message))
    return bool(value)


def read_number(
    annotation: Mapping[str, Any], key: str, findings: list[Finding]
) -> float | None:
    """The number ``key``, perhaps not finite; None where it is missing or invalid."""
    value = annotation.get(key)
    if value is None or is_number(value):
        return _as_float(value)
    message = f'"{key}" is {value!r}, not a number'
    findings.append(Finding('invalid_value', key, message))
    return None


def read_bbox(
    annotation: Mapping[str, Any], findings: list[Finding]
) -> list[float] | None:
    """``bbox`` [x, y, width, height]; None where it is missing, empty or invalid."""
    bbox = annotation.get('bbox')
    if bbox is None or bbox == []:
        return None
    is_list = isinstance(bbox, (list, tuple)) and len(bbox) == 4
    if is_list and all(map(is_number, bbox)):
        return list(map(_as_float, bbox))
    message = f'"bbox" is {bbox!r}, not four numbers (x, y, width, height)'
    findings.append(Finding('invalid_value', 'bbox', message))
    return None


def agreeing_bbox(
    annotated: list[float] | None,
    bbox: list[float],
    polygons: list[list[float]],
    findings: list[Finding],
    height: int,
    width: int,
) -> list[float]:
    """The annotated box [x, y, width, height], or the mask's own.

    ``height`` and ``width`` are those of the image.
    """
    if annotated is None:
        return bbox
    distance = _edge_distance(annotated, bbox)
    sides = bbox[2:]
    if polygons and (distance > EDGE_TOLERANCE or min(annotated[2:]) < 0.5):
        # The tip of a polygon may cover no pixel.
        outline = _clipped(_polygon_bbox(polygons), height, width)
        distance = min(distance, _edge_distance(annotated, outline))
        sides = outline[2:]
    # A box of 0..1 around one pixel is within the tolerance, and far too small.
    is_large_enough = all(
        0 < side and side >= min(own, 1) / 2
        for side, own in zip(annotated[2:], sides, strict=True)
    )
    # False for NaN as well
    if distance <= EDGE_TOLERANCE and is_large_enough:
        return annotated
    message = (
        f'the box is {annotated}, that of the amodal mask {bbox} (x, y, width, '
        f'height): an edge is {distance:g} pixels off'
    )
    findings.append(Finding('bbox', 'bbox', message, distance))
    return bbox


def agreeing_area(
    annotated: float | None,
    area: int,
    polygons: list[list[float]],
    findings: list[Finding],
) -> float:
    """The annotated area, or the mask's own."""
    if annotated is None:
        return area
    difference = annotated - area
    # COCO measures a polygon's area before it becomes pixels; along the outline a pixel
    # may be in or out.
    if abs(difference) <= AREA_TOLERANCE or (
        polygons and abs(difference) <= AREA_TOLERANCE + _outline_length(polygons)
    ):
        # The outline of a small object leaves room for an area of 0 or in 0..1.
        if 2 * annotated >= area or 0 < _polygon_area(polygons) <= 2 * annotated:
            return annotated
    message = (
        f'the area is {annotated:g}, the amodal mask has {area} pixels '
        f'({difference:+g})'
    )
    findings.append(Finding('area', 'area', message, difference))
    return area


def _edge_distance(first: list[float], second: list[float]) -> float:
    """Largest distance of the same edges of two boxes [x, y, w, h]; NaN with one."""
    (x1, y1, w1, h1), (x2, y2, w2, h2) = first, second
    edges = (x1 - x2, y1 - y2, x1 + w1 - x2 - w2, y1 + h1 - y2 - h2)
    return math.nan if any(map(math.isnan, edges)) else max(map(abs, edges))


def polygons_of(segmentation: object) -> list[list[float]]:
    """Polygons ``[x1, y1, x2, y2, ...]`` of a mask; none where it is an RLE."""
    if isinstance(segmentation, Mapping):
        return []
    is_flat = not isinstance(segmentation[0], (list, tuple))
    return [segmentation] if is_flat else list(segmentation)


def _outline_length(polygons: Iterable[list[float]]) -> float:
    """Length of the outlines of closed polygons, in pixels."""
    total = 0.0
    for polygon in polygons:
        points = list(zip(polygon[::2], polygon[1::2], strict=True))
        total += sum(map(math.dist, points, points[1:] + points[:1]))
    return total


def _polygon_area(polygons: Iterable[list[float]]) -> float:
    """Sum of the areas of closed polygons, in pixels."""
    total = 0.0
    for polygon in polygons:
        xs, ys = polygon[::2], polygon[1::2]
        following = zip(xs[1:] + xs[:1], ys[1:] + ys[:1], strict=True)
        twice = (x * v - u * y for x, y, (u, v) in zip(xs, ys, following, strict=True))
        total += abs(sum(twice)) / 2
    return total


def _clipped(bbox: list[float], height: int, width: int) -> list[float]:
    """The part of a box [x, y, width, height] that is inside the image."""
    x, y = max(bbox[0], 0), max(bbox[1], 0)
    right = min(bbox[0] + bbox[2], width)
    bottom = min(bbox[1] + bbox[3], height)
    return [x, y, right - x, bottom - y]


def _polygon_bbox(polygons: Iterable[list[float]]) -> list[float]:
    """Box ``[x, y, width, height]`` around polygons, in pixels."""
    xs = [x for polygon in polygons for x in polygon[::2]]
    ys = [y for polygon in polygons for y in polygon[1::2]]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
