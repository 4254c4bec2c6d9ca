"""An image and its labels while objects are pasted."""

import numpy as np

from .cut_out import OWNER_SHARE, CutOut
from .labels import areas, hide_behind, occlusion_rates, place_mask
from .placement import Placement


class Layers:
    """Objects from back to front; image and labels agree after every paste.

    A pixel's owner is the object pasted last whose mask has it, or the background.
    Where the rims of several cut-outs cross, the later ones are made thinner, so that
    the owner's share of the color never falls below :data:`OWNER_SHARE`.

    Args:
        image: Background, (H, W, C), uint8 or float; it is copied.
        amodal: Masks of the objects that are there, (N, H, W) uint8 of 0 and 1.
        visible: Their visible parts, likewise.
        rates: Occlusion rates of the whole objects, (N,).

    Attributes:
        image: The image so far, (H, W, C).
        amodal, visible, rates: As above, with the pasted objects behind the others.
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

    def paste(self, cut_out: CutOut, place: Placement) -> None:
        """Paste a cut-out over all that is there.

        Args:
            cut_out: The object. Its mask must lie within the image; its rim may leave
                it.
            place: Row and column of its mask's first pixel.
        """
        self._blend(cut_out, *place)
        visible = hide_behind(self.visible, cut_out.mask, *place)
        rates = occlusion_rates(self.rates, areas(self.visible), areas(visible))
        amodal = place_mask(cut_out.mask, *self.amodal.shape[1:], *place)[None]
        self.amodal = np.concatenate([self.amodal, amodal])
        self.visible = np.concatenate([visible, amodal])
        self.rates = np.append(rates, 0.0)

    def _blend(self, cut_out: CutOut, top: int, left: int) -> None:
        margin = cut_out.margin
        height, width = cut_out.alpha.shape
        y1, x1 = max(top - margin, 0), max(left - margin, 0)
        y2 = min(top - margin + height, self._share.shape[0])
        x2 = min(left - margin + width, self._share.shape[1])
        target = slice(y1, y2), slice(x1, x2)
        source = tuple(
            slice(part.start - start + margin, part.stop - start + margin)
            for part, start in zip(target, (top, left), strict=True)
        )
        mask = np.pad(cut_out.mask, margin)[source] > 0
        # Never more than what leaves the owner its share.
        spare = 1 - OWNER_SHARE / self._share[target]
        alpha = np.where(
            mask, cut_out.alpha[source], np.minimum(cut_out.alpha[source], spare)
        )
        self._share[target] = np.where(mask, alpha, self._share[target] * (1 - alpha))
        below = self.image[target]
        mixed = below + alpha[..., None] * (cut_out.pixels[source] - below.astype('f4'))
        if np.issubdtype(self.image.dtype, np.integer):
            mixed = np.rint(mixed)
        self.image[target] = mixed
