"""Shapes as labelling tools draw them, as masks."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ...structures import RLE, encode_region, rle_area, to_rle

CUT = 'outline cut at the edge of the image'
"""What is counted of outlines that leave the image."""
ELLIPSE_POINTS = 120
"""Corners of the polygon in place of an ellipse; its area is 0.05 % smaller."""


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
