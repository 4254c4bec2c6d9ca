"""Pairwise occlusion order: which of two overlapping objects is in front.

Pure functions of the objects of one image. An order is an array of pairs (front,
back). A lead is a number per pair: above zero where its first object is taken to be in
front, below zero where its second one is, and zero where that is not decided.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pycocotools.mask as mask_util
from numpy.typing import ArrayLike

from ..structures import RLE, intersection_areas

MIN_PIXELS = 10
"""Smallest lead in pixels; a smaller one may be noise of the outlines."""


class OrderAccuracy(NamedTuple):
    """Result of :func:`order_accuracy`.

    Attributes:
        accuracy: Share of the pairs whose order is right, None without a pair.
        num_pairs: Number of pairs.
        num_undecided: Pairs among them whose order is not decided; they count as wrong.
    """

    accuracy: float | None
    num_pairs: int
    num_undecided: int


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
        ValueError: If ``min_pixels`` is less than 1, or the masks differ in number or
            size.
    """
    _check_objects(amodal, visible, min_pixels)
    pairs = _pairs_with_overlapping_boxes(amodal)
    leads = lead_by_visible_masks(pairs, amodal, visible)
    return _front_first(pairs, leads, abs(leads) >= min_pixels)


def lead_by_visible_masks(
    pairs: ArrayLike, amodal: Sequence[RLE], visible: Sequence[RLE]
) -> np.ndarray:
    """How many pixels more of the overlap the first object covers than the second.

    A visible mask lies inside its amodal mask, so what it covers of the overlap is its
    intersection with the other's amodal mask.

    Args:
        pairs: Indices of objects, shape (P, 2).
        amodal: N amodal masks.
        visible: Their visible parts, each inside its amodal mask.

    Returns:
        int64 leads in pixels, shape (P,).

    Raises:
        ValueError: If masks differ in size.
    """
    first, second = _pairs(pairs).T
    return intersection_areas(
        _take(visible, first), _take(amodal, second)
    ) - intersection_areas(_take(visible, second), _take(amodal, first))


def lead_by_rates(pairs: ArrayLike, rates: ArrayLike) -> np.ndarray:
    """By how much less the first object is occluded than the second.

    Args:
        pairs: Indices of objects, shape (P, 2).
        rates: Occlusion rates in [0, 1], shape (N,).

    Returns:
        float64 leads, shape (P,).
    """
    first, second = _pairs(pairs).T
    rates = np.asarray(rates, dtype=np.float64)
    return rates[second] - rates[first]


def order_accuracy(leads: ArrayLike) -> OrderAccuracy:
    """Share of annotated pairs (front, back) whose order is predicted.

    Order accuracy of deocclusion (Zhan et al., CVPR 2020, ``eval_order``, occluding
    pairs): a pair without a predicted order is wrong. Here pairs are those of
    :func:`occlusion_order` whose objects are both matched.

    Args:
        leads: Predicted leads of the annotated front objects, of all images, shape
            (P,).

    Returns:
        The accuracy and the numbers of pairs.
    """
    leads = np.asarray(leads)
    return OrderAccuracy(
        accuracy=float((leads > 0).mean()) if leads.size else None,
        num_pairs=leads.size,
        num_undecided=int((leads == 0).sum()),
    )


def _check_objects(
    amodal: Sequence[RLE], others: Sequence | np.ndarray, min_pixels: int
) -> None:
    if len(amodal) != len(others):
        raise ValueError(f'{len(amodal)} amodal masks, but {len(others)} visible masks')
    if min_pixels < 1:
        raise ValueError(f'min_pixels must be at least 1, not {min_pixels}')


def _pairs_with_overlapping_boxes(rles: Sequence[RLE]) -> np.ndarray:
    """Pairs (i, j), i < j, that may overlap, int64 of shape (P, 2)."""
    if len(rles) == 0:
        return np.zeros((0, 2), dtype=np.int64)
    boxes = mask_util.toBbox(list(rles))
    starts, ends = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    # The box of an empty mask has no extent and overlaps with none.
    overlaps = np.maximum(starts[:, None], starts) < np.minimum(ends[:, None], ends)
    return np.argwhere(np.triu(overlaps.all(axis=-1), k=1))


def _front_first(pairs: np.ndarray, leads: np.ndarray, keep: np.ndarray) -> np.ndarray:
    return np.where(leads[:, None] > 0, pairs, pairs[:, ::-1])[keep]


def _pairs(pairs: ArrayLike) -> np.ndarray:
    return np.asarray(pairs, dtype=np.int64).reshape(-1, 2)


def _take(rles: Sequence[RLE], indices: np.ndarray) -> list[RLE]:
    return [rles[index] for index in indices.tolist()]
