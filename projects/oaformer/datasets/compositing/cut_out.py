"""Objects cut out of their images."""

from typing import NamedTuple

import cv2
import numpy as np

OWNER_SHARE = 0.6
"""Smallest share that the object to which a pixel belongs has in its color."""
MARGIN = 1
"""Pixels on either side of a mask's edge in which colors mix."""


class CutOut(NamedTuple):
    """An object without the image around it.

    Attributes:
        mask: The object, (h, w) uint8 of 0 and 1, tight: each side touches it.
        pixels: Its colors and those of ``MARGIN`` pixels around ``mask``,
            (h + 2, w + 2, C). Outside the mask the color of the nearest pixel inside
            goes on, so that nothing of the old image comes along.
        alpha: Share of ``pixels`` in the color where they are pasted,
            (h + 2, w + 2) float32: at least ``OWNER_SHARE`` inside the mask and at
            most 1 - ``OWNER_SHARE`` outside.
    """

    mask: np.ndarray
    pixels: np.ndarray
    alpha: np.ndarray


def cut_out(image: np.ndarray, mask: np.ndarray, scale: float = 1.0) -> CutOut:
    """Cut an object out of an image.

    Args:
        image: Image, (H, W, C), uint8 or float.
        mask: The object, (H, W) uint8 of 0 and 1, not empty.
        scale: Factor of its size, in (0, 1]. It keeps at least one pixel.

    Returns:
        The cut-out, scaled.
    """
    mask, pixels = _tight(mask, image)
    pixels = _extend_colors(pixels, mask)
    if scale < 1:
        height, width = (max(1, round(scale * side)) for side in mask.shape)
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        pixels = pixels.reshape(height, width, -1)
        shares = cv2.resize(
            mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA
        )
        # something thinner than half a pixel keeps its fullest one
        mask = (shares >= min(0.5, shares.max())).astype(np.uint8)
        mask, pixels = _tight(mask, pixels)
    padding = (MARGIN, MARGIN)
    pixels = np.pad(pixels, (padding, padding, (0, 0)), mode='edge')
    return CutOut(mask, pixels, _rim_alpha(np.pad(mask, MARGIN)))


def _rim_alpha(mask: np.ndarray) -> np.ndarray:
    """Opacity (h, w) float32 that falls from 1 to 0 across the edge of a mask.

    With d the distance of a pixel's centre to the edge, positive inside, it is
    0.5 + d / (2 ``MARGIN``), kept off 0.5 by ``OWNER_SHARE``.
    """
    inside, outside = (
        cv2.distanceTransform(each, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        for each in (mask, 1 - mask)
    )
    # The centre of the first pixel beyond the edge is one pixel away, the edge a half.
    distance = np.where(mask > 0, inside - 0.5, 0.5 - outside)
    alpha = np.clip(0.5 + distance / (2 * MARGIN), 0, 1)
    return np.where(
        mask > 0, np.maximum(alpha, OWNER_SHARE), np.minimum(alpha, 1 - OWNER_SHARE)
    ).astype(np.float32)


def _tight(mask: np.ndarray, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y, width, height = cv2.boundingRect(mask)
    box = slice(y, y + height), slice(x, x + width)
    return mask[box], image[box]


def _extend_colors(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """``pixels`` (h, w, C), outside ``mask`` with the color nearest inside."""
    _, labels = cv2.distanceTransformWithLabels(
        1 - mask, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colors = np.zeros((labels.max() + 1, pixels.shape[2]), pixels.dtype)
    inside = mask > 0
    colors[labels[inside]] = pixels[inside]
    extended = pixels.copy()
    extended[~inside] = colors[labels[~inside]]
    return extended
