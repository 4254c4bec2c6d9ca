"""Labels of objects that are pasted over each other."""

import cv2
import numpy as np


def hide_behind(
    visible: np.ndarray, mask: np.ndarray, top: int, left: int
) -> np.ndarray:
    """Visible masks after an object was pasted over them.

    Args:
        visible: Visible masks, (N, H, W) uint8 of 0 and 1; not changed.
        mask: Mask of the pasted object, (h, w) uint8 of 0 and 1.
        top: Its first row in the image.
        left: Its first column in the image.

    Returns:
        Visible masks, (N, H, W) uint8.
    """
    visible = visible.copy()
    height, width = mask.shape
    visible[:, top : top + height, left : left + width] &= 1 - mask
    return visible


def place_mask(
    mask: np.ndarray, height: int, width: int, top: int, left: int
) -> np.ndarray:
    """A mask (h, w) at its place in an empty image, (height, width) uint8."""
    whole = np.zeros((height, width), np.uint8)
    whole[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return whole


def areas(masks: np.ndarray) -> np.ndarray:
    """Pixels of each mask: (N, H, W) uint8 to (N,) integers."""
    return np.array([cv2.countNonZero(mask) for mask in masks], int)


def occlusion_rates(
    rates: np.ndarray, visible_before: np.ndarray, visible_after: np.ndarray
) -> np.ndarray:
    """Occlusion rates after further parts of the objects were hidden.

    The visible share 1 - rate of an object shrinks as its visible area in the image
    does. For an object that lies within the image this is 1 - visible / amodal area.
    Of one that a crop has cut, only a part of the visible area is known; the part
    outside is assumed to be hidden alike.

    Args:
        rates: Invisible area / amodal area of the whole objects before, (N,).
        visible_before: Visible areas before in pixels, (N,).
        visible_after: Visible areas after in pixels, at most the former, (...) that
            broadcasts against (N,).

    Returns:
        Rates in [0, 1]. An object of which nothing was visible keeps its rate.
    """
    kept = np.where(
        visible_before > 0, visible_after / np.maximum(visible_before, 1), 1.0
    )
    # not 1 - (1 - rate) * kept, whose rounding touches rates that nothing has changed
    return rates + (1 - rates) * (1 - kept)
