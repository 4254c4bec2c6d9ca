"""An image and its labels while objects are pasted over each other."""

import numpy as np

from ...structures import mask_areas
from .cut_out import CutOut
from .edges import EDGES, MARGIN, OWNER_SHARE


class Layers:
    """Objects from back to front; image and labels agree after every paste.

    A pixel's owner is the object pasted last whose mask has it, or the background.
    Where the edges of several cut-outs cross, the later ones are made thinner, so that
    the owner's share of the color never falls below ``OWNER_SHARE``.

    Args:
        image: Background, (H, W, C), uint8 or float; it is copied.
        amodal: Masks of the objects in it, (N, H, W) uint8 of 0 and 1.
        visible: Their visible parts, likewise.
        rates: Occlusion rates of the whole objects, (N,).

    Attributes:
        image, amodal, visible, rates: As above, pasted objects behind the others.
    """

    def __init__(
        self,
        image: np.ndarray,
        amodal: np.ndarray,
        visible: np.ndarray,
        rates: np.ndarray,
    ) -> None:
        self.image = image.copy()
        self.amodal, self.visible = amodal, visible
        self.rates = np.asarray(rates, float)
        # share of the owner in the color of each pixel, (H, W)
        self._share = np.ones(image.shape[:2], np.float32)

    def paste(self, cut_out: CutOut, place: tuple[int, int], edge: str = 'rim') -> None:
        """Paste a cut-out over everything else.

        Args:
            cut_out: The object.
            place: Row and column of its mask's first pixel; the mask must lie within
                the image.
            edge: Name of one of ``EDGES``.
        """
        self._blend(cut_out, place, edge)
        (top, left), (height, width) = place, cut_out.mask.shape
        rows, columns = slice(top, top + height), slice(left, left + width)
        visible = self.visible.copy()
        visible[:, rows, columns] &= 1 - cut_out.mask
        amodal = np.zeros((1, *self._share.shape), np.uint8)
        amodal[0, rows, columns] = cut_out.mask
        rates = occlusion_rates(
            self.rates, mask_areas(self.visible), mask_areas(visible)
        )
        self.amodal = np.concatenate([self.amodal, amodal])
        self.visible = np.concatenate([visible, amodal])
        self.rates = np.append(rates, 0.0)

    def _blend(self, cut_out: CutOut, place: tuple[int, int], edge: str) -> None:
        window, margin = [], []
        for first, length, side in zip(
            place, cut_out.mask.shape, self._share.shape, strict=True
        ):
            # the mask lies within the image, what is around it may not
            before, behind = min(MARGIN, first), min(MARGIN, side - first - length)
            margin.append((before, behind))
            window.append(slice(first - before, first + length + behind))
        target = tuple(window)
        mask = np.pad(cut_out.mask, margin)
        pixels = np.pad(cut_out.pixels, (*margin, (0, 0)), mode='edge')
        below = self.image[target]
        pixels, alpha = EDGES[edge](pixels, mask, below)
        # Never more than what leaves the owner its share.
        spare = 1 - OWNER_SHARE / self._share[target]
        alpha = np.where(mask, alpha, np.minimum(alpha, spare))
        self._share[target] = np.where(mask, alpha, self._share[target] * (1 - alpha))
        mixed = below + alpha[..., None] * (pixels - below.astype('f4'))
        if np.issubdtype(self.image.dtype, np.integer):
            mixed = np.rint(mixed)
        self.image[target] = mixed


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
