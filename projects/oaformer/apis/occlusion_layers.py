"""Which instance lies in front of which."""

from collections.abc import Sequence

import numpy as np
import pycocotools.mask as mask_util
from mmengine.structures import InstanceData
from numpy.typing import ArrayLike

from ..evaluation.occlusion_order import MIN_PIXELS, lead_by_rates, occlusion_order
from ..structures import RLE, rle_areas


def occlusion_layers(instances: InstanceData) -> list[int] | None:
    """Layer of each instance of an image, counted from the front.

    Of two instances whose amodal masks overlap, that one is in front whose visible
    mask holds more of the overlap or, where no visible masks are predicted, the less
    occluded one. Instances that do not touch need no order, so they may share a layer.

    Args:
        instances: Predicted instances in the form of :func:`as_amodal_instances`;
            leave out those below the score threshold first.

    Returns:
        For each instance 0 where no other is in front of it, otherwise one more than
        the last layer in front of it. None where neither visible masks nor occlusion
        rates are predicted.
    """
    amodal = instances.masks
    pairs = predicted_order(
        amodal,
        instances.get('visible_masks'),
        instances.occlusion_rates.cpu() if 'occlusion_rates' in instances else None,
    )
    if pairs is None:
        return None
    fronts: list[list[int]] = [[] for _ in amodal]
    for front, back in pairs.tolist():
        fronts[back].append(front)
    layers: dict[int, int] = {}
    for index in front_to_back(pairs, len(amodal)):
        # In a cycle one pair has to give way: its front comes later in this order.
        before = [layers[front] for front in fronts[index] if front in layers]
        layers[index] = max(before, default=-1) + 1
    return [layers[index] for index in range(len(amodal))]


def predicted_order(
    amodal: Sequence[RLE],
    visible: Sequence[RLE] | None = None,
    rates: ArrayLike | None = None,
) -> np.ndarray | None:
    """Order of the overlapping objects of an image, by what is predicted of them.

    Args:
        amodal: N amodal masks.
        visible: Their visible masks, if they are predicted.
        rates: Their occlusion rates, shape (N,), if they are.

    Returns:
        Indices (front, back), int64 of shape (P, 2). None where neither is predicted.
    """
    if visible is not None:
        return occlusion_order(amodal, visible)
    if rates is not None:
        return occlusion_order_by_rate(amodal, rates)
    return None


def occlusion_order_by_rate(
    amodal: Sequence[RLE], rates: ArrayLike, min_pixels: int = MIN_PIXELS
) -> np.ndarray:
    """Order of the overlapping objects of an image, derived from occlusion rates.

    Of two objects whose amodal masks overlap the less occluded one is taken to be in
    front, for models that predict no visible masks. A guess: an object in front of
    another may be hidden still more by a third.

    Args:
        amodal: N amodal masks of one size.
        rates: Their occlusion rates, shape (N,).
        min_pixels: Smallest overlap in pixels.

    Returns:
        Indices (front, back), int64 of shape (P, 2). Pairs of equal rate are left out.
    """
    if len(amodal) == 0:
        return np.zeros((0, 2), dtype=np.int64)
    # a crowd's IoU is the intersection as a share of the first mask
    shares = mask_util.iou(amodal, amodal, [1] * len(amodal))
    overlaps = (shares * np.array(rle_areas(amodal))[:, None]).round()
    pairs = np.argwhere(np.triu(overlaps >= min_pixels, k=1))
    leads = lead_by_rates(pairs, rates)
    return np.where(leads[:, None] > 0, pairs, pairs[:, ::-1])[leads != 0]


def front_to_back(pairs: np.ndarray, num_objects: int) -> list[int]:
    """One order of all objects, front first, that keeps to pairs (front, back), (P, 2).

    In each step the object with the fewest others in front of it comes next, of several
    the one with the lowest index. That breaks up circles (each in front of the next).
    """
    is_in_front = np.zeros((num_objects, num_objects), dtype=bool)
    is_in_front[tuple(pairs.T)] = True
    remaining, order = np.arange(num_objects), []
    while len(remaining):
        num_in_front = is_in_front[np.ix_(remaining, remaining)].sum(axis=0)
        position = int(num_in_front.argmin())
        order.append(int(remaining[position]))
        remaining = np.delete(remaining, position)
    return order
