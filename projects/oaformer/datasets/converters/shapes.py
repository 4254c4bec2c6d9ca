"""Shapes as labelling tools draw them, as masks."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
import pycocotools.mask as mask_util
from numpy.typing import ArrayLike

from ...structures import RLE, encode_region, rle_area, rle_bbox, to_rle
from ...structures.rle import decode_columns

CUT = 'outline cut at the edge of the image'
"""What is counted of outlines that leave the image."""
ELLIPSE_POINTS = 120
"""Corners of the polygon in place of an ellipse; its area is 0.05 % smaller."""
POLYGON_IOU = 0.98
"""Least IoU of a mask with the simplified polygons in its place."""


def polygon_mask(points: ArrayLike, height: int, width: int) -> RLE:
    """The mask of a polygon, by COCO's rules.

    Args:
        points: Its corners (x, y) in pixels, (N, 2).
        height: Height of the image in pixels.
        width: Width of the image in pixels; what lies outside is cut off.

    Raises:
        ValueError: If it has fewer than three corners, they are not pairs of numbers,
            or it covers no pixel.
    """
    corners = read_points(points)
    if len(corners) < 3:
        raise ValueError(f'a polygon needs at least three points, not {len(corners)}')
    return _with_pixels(to_rle(corners.ravel().tolist(), height, width))


def read_points(points: object) -> np.ndarray:
    """Points (x, y) of a shape, (N, 2).

    Raises:
        ValueError: If they are not pairs of finite numbers.
    """
    try:
        read = np.asarray(points, dtype=float)
    except (TypeError, ValueError):
        read = np.zeros(0)
    if read.ndim != 2 or read.shape[1] != 2 or not np.isfinite(read).all():
        raise ValueError('its points are not pairs of numbers (x, y)')
    return read


def bitmap_mask(
    bitmap: np.ndarray, top: int, left: int, height: int, width: int
) -> RLE:
    """The mask of a bitmap that is placed in an image.

    Args:
        bitmap: The mask, non-zero inside, (h, w).
        top: Row of its first pixel in the image.
        left: Column of its first pixel in the image.
        height: Height of the image in pixels.
        width: Width of the image in pixels; what lies outside is cut off.

    Raises:
        ValueError: If it covers no pixel.
    """
    first_row, first_column = max(0, -top), max(0, -left)
    inside = bitmap[first_row : max(0, height - top), first_column:]
    inside = inside[:, : max(0, width - left - first_column)]
    top, left = top + first_row, left + first_column
    return _with_pixels(encode_region(inside, top, left, height, width))


def cut_bitmap(mask: RLE) -> tuple[np.ndarray, int, int]:
    """The bitmap of a mask in its box: the reverse of :func:`bitmap_mask`.

    Args:
        mask: The mask, not empty.

    Returns:
        Bitmap of 0 and 1, uint8, (h, w), and its top row and left column in the image.
    """
    left, top, width, height = map(int, rle_bbox(mask))
    columns = decode_columns(mask, left, left + width)
    return columns[top : top + height], top, left


def mask_polygons(mask: RLE) -> list[np.ndarray]:
    """Polygons around a mask, few enough corners to correct them by hand.

    Corners are left out as long as :func:`polygon_mask` of what remains has an IoU of
    ``POLYGON_IOU`` or more with the whole. Where that is not possible, as of small
    objects, all corners stay, and the polygons have the pixels of the mask exactly.

    Args:
        mask: The mask, not empty. Its holes are filled.

    Returns:
        For each piece of the mask its corners (x, y) in pixels, (N, 2).
    """
    bitmap, top, left = cut_bitmap(mask)
    # The corners of half pixels, so that a gap of one pixel stays open.
    halves = np.pad(bitmap.repeat(2, axis=0).repeat(2, axis=1), ((0, 1), (0, 1)))
    kernel = np.ones((2, 2), np.uint8)
    corners = cv2.dilate(halves, kernel, anchor=(1, 1), borderValue=0)
    contours, _ = cv2.findContours(corners, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    exact = _as_polygons(contours, top, left)
    whole = polygons_mask(exact, *mask['size'])
    for tolerance in (1, 0.5):
        fewer = [cv2.approxPolyDP(each, 2 * tolerance, True) for each in contours]
        polygons = [
            each
            for each in _as_polygons(fewer, top, left)
            if len(each) > 2 and rle_area(polygons_mask([each], *mask['size']))
        ]
        if polygons and rle_iou(polygons_mask(polygons, *mask['size']), whole) >= (
            POLYGON_IOU
        ):
            return polygons
    return exact


def polygons_mask(polygons: Sequence[np.ndarray], height: int, width: int) -> RLE:
    """The mask of polygons (N, 2) together, by COCO's rules."""
    return to_rle([each.ravel().tolist() for each in polygons], height, width)


def rle_iou(first: RLE, second: RLE) -> float:
    """IoU of two masks."""
    return float(mask_util.iou([first], [second], [0])[0, 0])


def box_corners(
    x1: float, y1: float, x2: float, y2: float, rotation: float = 0
) -> np.ndarray:
    """Corners (x, y) of a box turned clockwise by ``rotation`` degrees, (4, 2)."""
    corners = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], dtype=float)
    return _turned(corners, ((x1 + x2) / 2, (y1 + y2) / 2), rotation)


def ellipse_points(
    centre: Sequence[float], radii: Sequence[float], rotation: float = 0
) -> np.ndarray:
    """Points (x, y) on an ellipse turned clockwise by ``rotation`` degrees.

    Args:
        centre: Its centre (x, y) in pixels.
        radii: Its radii along x and y in pixels, before it is turned.
        rotation: Degrees.

    Returns:
        ``ELLIPSE_POINTS`` points, (N, 2).
    """
    angles = np.linspace(0, 2 * math.pi, ELLIPSE_POINTS, endpoint=False)
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii + centre
    return _turned(points, centre, rotation)


def leaves_image(points: np.ndarray, height: int, width: int) -> bool:
    """Whether points (x, y), (N, 2), reach more than a pixel beyond the image."""
    return bool((points < -1).any() or (points > (width + 1, height + 1)).any())


def _as_polygons(
    contours: Sequence[np.ndarray], top: int, left: int
) -> list[np.ndarray]:
    # (N, 1, 2) in half pixels of the box -> (N, 2) in pixels of the image
    return [each[:, 0] / 2 + (left, top) for each in contours]


def _turned(points: np.ndarray, centre: Sequence[float], rotation: float) -> np.ndarray:
    if rotation == 0:
        return points
    angle = math.radians(rotation)
    # y points down, so this turns clockwise
    turn = np.array(
        [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
    )
    return (points - centre) @ turn + centre


def _with_pixels(mask: RLE) -> RLE:
    if rle_area(mask) == 0:
        raise ValueError('it covers no pixel of the image')
    return mask
