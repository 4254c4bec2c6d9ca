"""Pairwise occlusion order: which of two overlapping objects is in front.

Pure functions of the objects of one image. An order is an int64 array (P, 2) of pairs
(front, back). A lead is a number per pair: above zero where its first object is taken
to be in front, below zero where its second one is, zero where that is not decided.
"""

from collections.abc import Sequence

import numpy as np
import pycocotools.mask as mask_util
from numpy.typing import ArrayLike

from ..structures import RLE, intersection_areas

MIN_PIXELS = 10
"""Smallest lead in pixels; a smaller one may be noise of the outlines."""


def occlusion_order(
    amodal: Sequence[RLE], visible: Sequence[RLE], min_pixels: int = MIN_PIXELS
) -> np.ndarray:
    """Order of the overlapping objects of an image, derived from their visible masks.

    Where two amodal masks overlap, the object in front is the one whose visible mask
    covers more of the overlap. That is how deocclusion derives it from annotations
    (Zhan et al., Self-supervised scene de-occlusion, CVPR 2020, ``infer_gt_order``).
    Two things differ: objects whose visible masks don't touch count too, and a pair is
    left out unless one side leads by ``min_pixels``. So are those that are both hidden
    by a third object, that claim the overlap alike, or whose outlines just graze.

    Args:
        amodal: N amodal masks.
        visible: Their visible parts, each inside its amodal mask.
        min_pixels: Smallest lead in pixels, from 1 on.

    Returns:
        Indices (front, back), int64 of shape (P, 2).

    Raises:
        ValueError: If masks differ in size.
    """
    pairs = _pairs_with_overlapping_boxes(amodal)
    leads = lead_by_visible_masks(pairs, amodal, visible)
    order = np.where(leads[:, None] > 0, pairs, pairs[:, ::-1])
    return order[abs(leads) >= min_pixels]


def lead_by_visible_masks(
    pairs: np.ndarray, amodal: Sequence[RLE], visible: Sequence[RLE]
) -> np.ndarray:
    """How many pixels more of the overlap the first object covers than the second.

    A visible mask lies inside its amodal mask, so what it covers of the overlap is its
    intersection with the other's amodal mask.

    Args:
        pairs: Indices of objects, int64 of shape (P, 2).
        amodal: N amodal masks.
        visible: Their visible parts, each inside its amodal mask.

    Returns:
        int64 leads in pixels, shape (P,).

    Raises:
        ValueError: If masks differ in size.
    """
    first, second = pairs.T.tolist()
    return intersection_areas(
        [visible[index] for index in first], [amodal[index] for index in second]
    ) - intersection_areas(
        [visible[index] for index in second], [amodal[index] for index in first]
    )


def lead_by_rates(pairs: np.ndarray, rates: ArrayLike) -> np.ndarray:
    """By how much less the first object is occluded than the second.

    Args:
        pairs: Indices of objects, int64 of shape (P, 2).
        rates: Occlusion rates in [0, 1], shape (N,).

    Returns:
        float64 leads, shape (P,).
    """
    rates = np.asarray(rates, dtype=np.float64)
    return rates[pairs[:, 1]] - rates[pairs[:, 0]]


def _pairs_with_overlapping_boxes(rles: Sequence[RLE]) -> np.ndarray:
    """Pairs (i, j), i < j, that may overlap, int64 of shape (P, 2)."""
    if len(rles) == 0:
        return np.zeros((0, 2), dtype=np.int64)
    boxes = mask_util.toBbox(list(rles))
    starts, ends = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    # The box of an empty mask has no extent and overlaps with none.
    overlaps = np.maximum(starts[:, None], starts) < np.minimum(ends[:, None], ends)
    return np.argwhere(np.triu(overlaps.all(axis=-1), k=1))
