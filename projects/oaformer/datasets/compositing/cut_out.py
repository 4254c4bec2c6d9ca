"""Objects cut out of their images."""

from typing import NamedTuple

import cv2
import numpy as np


class CutOut(NamedTuple):
    """An object without the image around it.

    Attributes:
        mask: The object, (h, w) uint8 of 0 and 1, tight: each side touches it.
        pixels: Its colors, (h, w, C). Outside the mask the color of the nearest pixel
            inside goes on, so that nothing of the old image comes along.
    """

    mask: np.ndarray
    pixels: np.ndarray


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
    return CutOut(mask, pixels)


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
