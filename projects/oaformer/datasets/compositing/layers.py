"""An image and its labels while objects are pasted."""

import numpy as np

from .canvas import Canvas
from .cut_out import CutOut
from .labels import areas, at, hide, occlusion_rates
from .placement import Placement


class Layers:
    """Objects from back to front, whose labels follow what is pasted over them.

    Args:
        image: Background, (H, W, C).
        amodal: Masks of the objects that are there, (N, H, W) uint8 of 0 and 1.
        visible: Their visible parts, likewise.
        rates: Occlusion rates of the whole objects, (N,).

    Attributes:
        amodal, visible, rates: As above, with the pasted objects behind the others.
    """

    def __init__(
        self,
        image: np.ndarray,
        amodal: np.ndarray,
        visible: np.ndarray,
        rates: np.ndarray,
    ) -> None:
        self._canvas = Canvas(image)
        self.amodal, self.visible = amodal, visible
        self.rates = np.asarray(rates, float)

    @property
    def image(self) -> np.ndarray:
        """The image so far, (H, W, C)."""
        return self._canvas.image

    def paste(self, cut_out: CutOut, place: Placement) -> None:
        """Paste a cut-out over all that is there; it lies within the image."""
        self._canvas.paste(cut_out, *place)
        visible = hide(self.visible, cut_out.mask, *place)
        rates = occlusion_rates(self.rates, areas(self.visible), areas(visible))
        amodal = at(cut_out.mask, *self.amodal.shape[1:], *place)[None]
        self.amodal = np.concatenate([self.amodal, amodal])
        self.visible = np.concatenate([visible, amodal])
        self.rates = np.append(rates, 0.0)
