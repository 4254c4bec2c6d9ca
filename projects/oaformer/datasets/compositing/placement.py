"""Where to paste an object so that it hides what is wanted."""

import math

import cv2
import numpy as np

from ...structures import mask_areas
from .layers import occlusion_rates
from .occlusion_target import PLACEMENT_ERROR

# Longest side of the grid of places that are looked at.
GRID_SIDE = 192
# Pixels kept from the image's border: an object that touches it looks cut.
BORDER = 1
# How many good places of the grid are measured in the image itself.
CHECKS = 12


class Places:
    """All places of a mask in an image, and what it would hide there.

    The overlap of a mask with an object at every place is their cross-correlation; on
    a grid of at most ``GRID_SIDE`` places either way it takes milliseconds. A place
    that is good on the grid is measured in the image before it is returned, as row and
    column of the mask's first pixel.

    Args:
        mask: What is to be placed, (h, w) uint8 of 0 and 1.
        visible: Visible masks of the objects there, (N, H, W) uint8 of 0 and 1.
        rates: Their occlusion rates, (N,).
    """

    def __init__(
        self, mask: np.ndarray, visible: np.ndarray, rates: np.ndarray
    ) -> None:
        self._mask, self._visible = mask, visible
        self._before = np.asarray(rates, float)
        self._areas = mask_areas(visible)
        visible = visible[:, BORDER:-BORDER, BORDER:-BORDER]
        height, width = visible.shape[1:]
        self._step = max(1, math.ceil(max(height, width) / GRID_SIDE))
        rows, columns = (
            max(0, (side - part) // self._step + 1)
            for side, part in zip((height, width), mask.shape, strict=True)
        )
        self._after = np.zeros((len(visible), rows, columns))
        if self._after.size == 0:
            return
        template = _pool(mask, self._step)
        for after, one, rate, area in zip(
            self._after, visible, self._before, self._areas, strict=True
        ):
            overlap = cv2.matchTemplate(_pool(one, self._step), template, cv2.TM_CCORR)[
                :rows, :columns
            ]
            hidden = np.clip(overlap * self._step**2, 0, area)
            # less than half a pixel is the rounding of the correlation
            hidden[hidden < 0.5] = 0
            after[:] = occlusion_rates(rate, area, area - hidden)

    def clear(self, rng: np.random.Generator) -> tuple[int, int] | None:
        """A random place that hides nothing of any object; None if there is none."""
        good = (self._after == self._before[:, None, None]).all(axis=0)
        return self._choose(rng, good, lambda after: (after == self._before).all())

    def hiding(
        self,
        rng: np.random.Generator,
        index: int,
        rate: float,
        max_rate: float | None = None,
    ) -> tuple[int, int] | None:
        """A random place that brings one object to a wanted occlusion rate.

        Args:
            rng: Source of randomness.
            index: Index of the object.
            rate: Its occlusion rate afterwards, met within ``PLACEMENT_ERROR``.
            max_rate: Occlusion rate that no object may get beyond; None if nothing of
                the others may be hidden.

        Returns:
            The place, or None if there is none.
        """
        limit = self._before.copy()
        if max_rate is None:
            limit[index] = np.inf
        else:
            limit = np.maximum(limit, max_rate)

        def good(after, limit):
            near = np.abs(after[index] - rate) <= PLACEMENT_ERROR
            return near & (after <= limit).all(axis=0)

        return self._choose(
            rng,
            good(self._after, limit[:, None, None]),
            lambda after: good(after, limit),
        )

    def _choose(self, rng, good, check) -> tuple[int, int] | None:
        places = np.argwhere(good)
        for place in rng.permutation(places)[:CHECKS] * self._step + BORDER:
            if check(self._rates_at(*place)):
                return tuple(place.tolist())
        return None

    def _rates_at(self, top: int, left: int) -> np.ndarray:
        height, width = self._mask.shape
        there = self._visible[:, top : top + height, left : left + width]
        hidden = mask_areas(there & self._mask)
        return occlusion_rates(self._before, self._areas, self._areas - hidden)


def _pool(mask: np.ndarray, step: int) -> np.ndarray:
    """Means of step x step blocks; what is missing to full blocks is 0."""
    height, width = (-side % step for side in mask.shape)
    padded = np.pad(mask, ((0, height), (0, width))).astype(np.float32)
    if step == 1:
        return padded
    size = padded.shape[1] // step, padded.shape[0] // step
    return cv2.resize(padded, size, interpolation=cv2.INTER_AREA)
