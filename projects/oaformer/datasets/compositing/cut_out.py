"""Objects cut out of their images."""

import math
from typing import NamedTuple

import cv2
import numpy as np

OWNER_SHARE = 0.6
"""Smallest share that the object to which a pixel belongs has in its color."""


class CutOut(NamedTuple):
    """An object without the image that it stood in.

    Attributes:
        mask: The object, (h, w) uint8 of 0 and 1, tight: each side touches it.
        pixels: Its colors and those of a margin of m pixels around ``mask``,
            (h + 2m, w + 2m, C). Outside the mask the color of the nearest pixel
            inside goes on, so that nothing of the old image comes along.
        alpha: Share of ``pixels`` in the color where they are pasted,
            (h + 2m, w + 2m) float32: at least ``OWNER_SHARE`` inside the mask and at
            most 1 - ``OWNER_SHARE`` outside, 0 from m pixels on.
    """

    mask: np.ndarray
    pixels: np.ndarray
    alpha: np.ndarray

    @property
    def margin(self) -> int:
        """Pixels that ``pixels`` and ``alpha`` have on each side of ``mask``."""
        return (self.alpha.shape[0] - self.mask.shape[0]) // 2


def cut_out(
    image: np.ndarray, mask: np.ndarray, scale: float = 1.0, blend_width: float = 1.0
) -> CutOut:
    """Cut an object out of an image.

    Args:
        image: Image, (H, W, C), uint8 or float.
        mask: The object, (H, W) uint8 of 0 and 1, not empty.
        scale: Factor of its size, at most 1. It keeps at least one pixel.
        blend_width: Half the width in pixels of the rim in which the colors of
            object and surroundings mix; 0 for none.

    Returns:
        The cut-out, scaled.

    Raises:
        ValueError: If ``scale`` is not in (0, 1] or the mask is empty.
    """
    if not 0 < scale <= 1:
        raise ValueError(f'scale must be in (0, 1], not {scale}')
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
    margin = math.ceil(blend_width)
    padding = (margin, margin)
    return CutOut(
        mask,
        np.pad(pixels, (padding, padding, (0, 0)), mode='edge'),
        rim_alpha(np.pad(mask, margin), blend_width),
    )


def rim_alpha(mask: np.ndarray, blend_width: float) -> np.ndarray:
    """Opacity that falls from 1 to 0 across the edge of a mask.

    With d the distance of a pixel's centre to the edge, positive inside, it is
    0.5 + d / (2 ``blend_width``), kept off 0.5 by ``OWNER_SHARE``.

    Args:
        mask: (h, w) uint8 of 0 and 1.
        blend_width: Pixels from the edge at which it is 1 and 0; 0 for a hard edge.

    Returns:
        (h, w) float32 in [0, 1].
    """
    if blend_width == 0:
        return mask.astype(np.float32)
    # The border of zeros makes an object that fills the image end there as well.
    padded = np.pad(mask, 1)
    inside, outside = (
        cv2.distanceTransform(each, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
        for each in (padded, 1 - padded)
    )
    # The centre of the first pixel beyond the edge is one pixel away, the edge a half.
    distance = np.where(mask > 0, inside - 0.5, 0.5 - outside)
    alpha = np.clip(0.5 + distance / (2 * blend_width), 0, 1)
    return np.where(
        mask > 0, np.maximum(alpha, OWNER_SHARE), np.minimum(alpha, 1 - OWNER_SHARE)
    ).astype(np.float32)


def _tight(mask: np.ndarray, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y, width, height = cv2.boundingRect(mask)
    if width == 0:
        raise ValueError('an empty mask has nothing to cut out')
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
