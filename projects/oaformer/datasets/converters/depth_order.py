"""What is visible of objects whose whole outlines and depth order are known.

A pixel belongs to the front-most outline that has it, so visible masks follow from
whole outlines and their order. Pure functions of the objects of one image.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pycocotools.mask as mask_util

from ...structures import (
    RLE,
    rle_area,
    rle_difference,
    rle_intersection,
    rle_union,
)

TIES = ('later', 'smaller')
"""Guesses which of two objects is in front where their order is not known."""


class Layer(NamedTuple):
    """A part of an object at one depth.

    Attributes:
        mask: The part as a whole, hidden or not.
        order: Its place; greater is nearer. Between equal ones it is not known.
    """

    mask: RLE
    order: float


class LayeredObject(NamedTuple):
    """An object.

    Attributes:
        layers: Its parts, at least one. They need not be at one depth: an object may be
            in front of another here and behind it there.
        visible: Its visible part where that is drawn, too; None where it follows from
            the order.
    """

    layers: list[Layer]
    visible: RLE | None = None

    @property
    def amodal(self) -> RLE:
        """The whole object."""
        return rle_union(*(layer.mask for layer in self.layers))

    @property
    def order(self) -> float:
        """The place of its nearest part."""
        return max(layer.order for layer in self.layers)


def visible_masks(objects: Sequence[LayeredObject], ties: str = TIES[0]) -> list[RLE]:
    """The visible part of each object; no two of them share a pixel.

    A visible part that is drawn comes before those that follow from the order: cut to
    its object, and where two that are drawn overlap, to the nearer one. All the same
    its object hides what the order says is behind it.

    Args:
        objects: N objects of one image.
        ties: Which is in front where the order is not known, one of ``TIES``.

    Returns:
        N masks, perhaps empty.
    """
    if not objects:
        return []
    wholes = [each.amodal for each in objects]
    places = range(len(objects)) if ties == 'later' else [-rle_area(w) for w in wholes]
    nothing = rle_difference(wholes[0], wholes[0])
    layers = [
        # Without an order, an object with a visible part of its own is in front there
        # and behind elsewhere.
        (layer.order, each.visible is None, places[index], index, layer.mask)
        for index, each in enumerate(objects)
        for layer in each.layers
    ]
    seen, covered = [nothing] * len(objects), nothing
    for *_, index, mask in sorted(layers, key=lambda item: item[:3], reverse=True):
        seen[index] = rle_union(seen[index], rle_difference(mask, covered))
        covered = rle_union(covered, mask)
    drawn = [index for index, each in enumerate(objects) if each.visible is not None]
    drawn.sort(key=lambda index: (objects[index].order, places[index]), reverse=True)
    taken = nothing
    for index in drawn:
        inside = rle_intersection(objects[index].visible, wholes[index])
        seen[index] = rle_difference(inside, taken)
        taken = rle_union(taken, inside)
    for index, each in enumerate(objects):
        if each.visible is None:
            seen[index] = rle_difference(seen[index], taken)
    return seen


def unordered_pairs(objects: Sequence[LayeredObject]) -> dict[tuple[int, int], int]:
    """Pairs of objects that overlap, and of which nothing says which is in front.

    They have the same place. No visible part is drawn of either, or of both, and these
    overlap.

    Args:
        objects: The objects of one image.

    Returns:
        Number of pixels in question by the pair of indices, the lower one first.
    """
    computed = [
        (index, layer)
        for index, each in enumerate(objects)
        if each.visible is None
        for layer in each.layers
    ]
    drawn = [
        (index, Layer(each.visible, each.order))
        for index, each in enumerate(objects)
        if each.visible is not None
    ]
    pairs: dict[tuple[int, int], int] = {}
    for layers in (computed, drawn):
        for order in {layer.order for _, layer in layers}:
            level = [item for item in layers if item[1].order == order]
            masks = [layer.mask for _, layer in level]
            # looks at boxes first, so that objects far apart cost nothing
            overlaps = mask_util.iou(masks, masks, [0] * len(masks))
            for pair in np.argwhere(np.triu(overlaps, k=1)).tolist():
                one, other = sorted(level[each][0] for each in pair)
                if one != other:
                    common = rle_intersection(*(masks[each] for each in pair))
                    pairs[one, other] = pairs.get((one, other), 0) + rle_area(common)
    return dict(sorted(pairs.items()))
