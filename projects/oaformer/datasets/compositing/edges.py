"""How colors change across the outline of what is pasted.

An edge changes colors, never labels: a pixel belongs to the object whose mask has it.
Each function takes an object at its place and returns the colors to paste, (h, w, C),
and their opacity, (h, w):

* ``pixels``, (h, w, C): colors of the object, which go on outside its mask.
* ``mask``, (h, w) uint8 of 0 and 1: the object.
* ``below``, (h, w, C): the image there.

The opacity is float32, at least ``OWNER_SHARE`` inside the mask, at most
1 - ``OWNER_SHARE`` outside, and 0 further than ``MARGIN`` pixels away.
"""

from collections.abc import Sequence

import cv2
import numpy as np

OWNER_SHARE = 0.6
"""Smallest share that the object to which a pixel belongs has in its color."""
MARGIN = 2
"""Pixels around a mask in which its edge may change colors."""
MAX_CLONED_AREA = 512 * 512
"""Pixels of the largest rectangle that is given to ``seamlessClone``: 0.15 s."""
# Pixels on either side of the outline in which a rim mixes colors.
_RIM = 1
# seamlessClone takes the image's gradients for so many pixels inside the mask.
_CLONE_EROSION = 3


def rim(
    pixels: np.ndarray, mask: np.ndarray, below: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Colors mix in the pixel on either side of the outline.

    With d the distance of a pixel's centre to the outline, positive inside, the
    opacity is 0.5 + d / 2, kept off 0.5 by ``OWNER_SHARE``.
    """
    inside, outside = (
        cv2.distanceTransform(each, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        for each in (mask, 1 - mask)
    )
    # The centre of the first pixel beyond the edge is one pixel away, the edge a half.
    distance = np.where(mask > 0, inside - 0.5, 0.5 - outside)
    return pixels, _opacity(mask, np.clip(0.5 + distance / (2 * _RIM), 0, 1))


def gaussian(
    pixels: np.ndarray, mask: np.ndarray, below: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The mask, blurred, is the opacity; further inside the object stays as it is.

    5 x 5 pixels and a deviation of 2, as in the code of "Cut, Paste and Learn"
    (Dwibedi et al., ICCV 2017, github.com/debidatta/syndata-generation), kept off 0.5
    by ``OWNER_SHARE``.
    """
    # the blur of whole numbers is exactly 255 where nothing but the mask is near
    blurred = cv2.GaussianBlur(255 * mask, (2 * MARGIN + 1,) * 2, 2)
    return pixels, _opacity(mask, blurred / 255)


def poisson(
    pixels: np.ndarray, mask: np.ndarray, below: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The object's gradients with the image's colors around it, by ``seamlessClone``.

    The object changes as a whole, only its texture stays. OpenCV solves within the
    rectangle around the mask, so colors outside the mask change as well; the opacity,
    that of :func:`gaussian`, leaves out what is further away.

    Objects that are nowhere 7 pixels wide, of which cloning would leave next to
    nothing, and those of more than ``MAX_CLONED_AREA`` pixels with what is around them
    keep their colors: :func:`gaussian`.

    Raises:
        ValueError: If the image is not of three channels in uint8.
    """
    if below.dtype != np.uint8 or below.shape[2:] != (3,):
        raise ValueError(
            "'poisson' edges need an image of 3 channels in uint8, this one is of "
            f'shape {below.shape} in {below.dtype}: paste before colors are changed, '
            "or leave 'poisson' out of edges"
        )
    kernel = np.ones((2 * _CLONE_EROSION + 1,) * 2, np.uint8)
    if mask.size <= MAX_CLONED_AREA and cv2.erode(mask, kernel).any():
        # The mask, grown by what it loses again, stays off the border, where
        # seamlessClone ignores it. Frames are equal, so the centre moves nothing.
        pad = _CLONE_EROSION + 2
        source, target, grown = (
            cv2.copyMakeBorder(each, *[pad] * 4, kind)
            for each, kind in (
                (pixels, cv2.BORDER_REPLICATE),
                (below, cv2.BORDER_REPLICATE),
                (255 * mask, cv2.BORDER_CONSTANT),
            )
        )
        grown = cv2.dilate(grown, kernel)
        x, y, width, height = cv2.boundingRect(grown)
        centre = x + width // 2, y + height // 2
        cloned = cv2.seamlessClone(source, target, grown, centre, cv2.NORMAL_CLONE)
        pixels = cloned[pad:-pad, pad:-pad]
    return gaussian(pixels, mask, below)


EDGES = dict(rim=rim, gaussian=gaussian, poisson=poisson)


def draw_edge(rng: np.random.Generator, edges: Sequence[str]) -> str:
    """Draw the edge of one object from names of ``EDGES``; of one name, nothing."""
    return edges[int(rng.integers(len(edges)))]


def _opacity(mask: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """``alpha`` (h, w), float32, so that the owner of a pixel has most of it."""
    return np.where(
        mask > 0, np.maximum(alpha, OWNER_SHARE), np.minimum(alpha, 1 - OWNER_SHARE)
    ).astype(np.float32)
