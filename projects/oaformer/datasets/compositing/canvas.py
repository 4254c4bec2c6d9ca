"""The image that cut-outs are pasted on."""

import numpy as np

from .cut_out import OWNER_SHARE, CutOut


class Canvas:
    """An image that keeps the promise of its labels while it is pasted on.

    A pixel's owner is the object pasted last whose mask has it, or the background.
    Where the rims of several cut-outs cross, the later ones are made thinner, so that
    the owner's share of the color never falls below :data:`OWNER_SHARE`.

    Args:
        image: The background, (H, W, C), uint8 or float; it is copied.

    Attributes:
        image: The image so far, (H, W, C).
        share: Share of the owner in the color of each pixel, (H, W) float32.
    """

    def __init__(self, image: np.ndarray) -> None:
        self.image = image.copy()
        self.share = np.ones(image.shape[:2], np.float32)

    def paste(self, cut_out: CutOut, top: int, left: int) -> None:
        """Paste a cut-out over all that is there.

        Args:
            cut_out: The object.
            top: Row of its mask's first row, >= 0.
            left: Column of its mask's first column, >= 0. The mask must lie within
                the image; its rim may leave it.
        """
        margin = cut_out.margin
        height, width = cut_out.alpha.shape
        y1, x1 = max(top - margin, 0), max(left - margin, 0)
        y2 = min(top - margin + height, self.share.shape[0])
        x2 = min(left - margin + width, self.share.shape[1])
        target = slice(y1, y2), slice(x1, x2)
        source = tuple(
            slice(part.start - start + margin, part.stop - start + margin)
            for part, start in zip(target, (top, left), strict=True)
        )
        mask = np.pad(cut_out.mask, margin)[source] > 0
        # Never more than what leaves the owner its share.
        spare = 1 - OWNER_SHARE / self.share[target]
        alpha = np.where(
            mask, cut_out.alpha[source], np.minimum(cut_out.alpha[source], spare)
        )
        self.share[target] = np.where(mask, alpha, self.share[target] * (1 - alpha))
        below = self.image[target]
        mixed = below + alpha[..., None] * (cut_out.pixels[source] - below.astype('f4'))
        if np.issubdtype(self.image.dtype, np.integer):
            mixed = np.rint(mixed)
        self.image[target] = mixed
