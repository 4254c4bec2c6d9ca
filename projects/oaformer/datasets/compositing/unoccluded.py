"""Which objects can be cut out whole."""

from typing import NamedTuple

import cv2
import numpy as np


class UnoccludedRules(NamedTuple):
    """What an object must be like to count as whole.

    Attributes:
        min_area: Smallest area as a share of its image's.
        border: An object this near to the image's border, in pixels, may go on
            beyond it and is left out. 1 means that it touches it.
        gap: Where occlusion is not annotated, an object whose mask comes within so
            many pixels of another one may be hidden by it and is left out.
        one_piece: Whether to leave out objects in several pieces; what parts them is
            often an object without annotation.
    """

    min_area: float = 0.005
    border: int = 2
    gap: int = 3
    one_piece: bool = True


def why_left_out(
    index: int,
    masks: np.ndarray,
    occluded: np.ndarray | None,
    ignored: np.ndarray,
    rules: UnoccludedRules,
) -> str | None:
    """Why an object can't be cut out, in words that can be counted.

    Where occlusion is annotated, that decides whether something hides the object. A
    plain COCO file does not say; then no other mask may come near. An occluder without
    annotation goes unnoticed.

    Args:
        index: Index of the object.
        masks: Masks of all objects of the image, (N, H, W) uint8 of 0 and 1.
        occluded: Which of them are hidden in part, (N,) bool, or None if occlusion is
            not annotated.
        ignored: Which of them are crowds or marked to be ignored, (N,) bool.
        rules: What to leave out.

    Returns:
        The reason, or None if the object is whole.
    """
    mask = masks[index]
    height, width = mask.shape
    if ignored[index]:
        return 'crowd or ignored'
    if occluded is not None and occluded[index]:
        return 'occluded'
    if np.count_nonzero(mask) < max(1, rules.min_area * height * width):
        return 'too small'
    x, y, box_width, box_height = cv2.boundingRect(mask)
    right, bottom = x + box_width, y + box_height
    if min(x, y, width - right, height - bottom) < rules.border:
        return "at the image's border"
    if occluded is None and _touched(index, masks, (x, y, right, bottom), rules.gap):
        return 'touches another object'
    box = mask[y:bottom, x:right]
    if rules.one_piece and cv2.connectedComponents(box, connectivity=8)[0] > 2:
        return 'in several pieces'
    return None


def _touched(
    index: int, masks: np.ndarray, box: tuple[int, int, int, int], gap: int
) -> bool:
    """Whether another mask comes within ``gap`` pixels of mask ``index``."""
    x1, y1, x2, y2 = box
    window = slice(max(y1 - gap, 0), y2 + gap), slice(max(x1 - gap, 0), x2 + gap)
    near = cv2.dilate(masks[index][window], np.ones((2 * gap + 1,) * 2, np.uint8))
    return any(
        (near & other[window]).any()
        for number, other in enumerate(masks)
        if number != index
    )
