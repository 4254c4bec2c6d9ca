"""Masks at full size, built only where they are not empty.

Prediction resizes a mask twice, to the size of the batch and, without its padding, to
the size of the original image. Both resizes are bilinear, hence linear and separate
for rows and columns: one matrix for either axis does both. A pixel of the result can
be inside only where one of the pixels it is made of is, so that the rest of the image
is never built.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class ImageSizes(NamedTuple):
    """Sizes (height, width) in pixels that a mask passes through.

    Attributes:
        batch_input: Size of the padded batch.
        image: Size of the image inside the batch.
        output: Size of the result: that of the original image, or None to
            stay at ``image``.
    """

    batch_input: tuple[int, int]
    image: tuple[int, int]
    output: tuple[int, int] | None

    @property
    def result(self) -> tuple[int, int]:
        """Size of the full-size masks."""
        return self.output or self.image


class MaskRegion(NamedTuple):
    """The part of a full-size mask outside which it is empty.

    Attributes:
        logits: Mask logits, (h, w); nothing is inside where h or w is 0.
        top: Row of the first pixel.
        left: Column of the first pixel.
    """

    logits: Tensor
    top: int
    left: int


class MaskUpsampler:
    """Builds full-size masks of one image, one region at a time.

    Args:
        low_size: (height, width) of the mask features.
        sizes: Sizes to go through.
        device: Where the masks are.
    """

    def __init__(
        self, low_size: tuple[int, int], sizes: ImageSizes, device: torch.device
    ) -> None:
        outputs = sizes.output or (None, None)
        axes = zip(low_size, sizes.batch_input, sizes.image, outputs, strict=True)
        self.rows, self.columns = (_Axis(*lengths, device) for lengths in axes)
        # a pixel has few sources, so that on a CPU most of one large product would be
        # products with 0; on a GPU many small ones would only wait for each other
        self.block = 64 if torch.device(device).type == 'cpu' else sizes.result[1]

    def region(self, mask: Tensor, box: tuple[int, int, int, int]) -> MaskRegion:
        """Resize the part of a mask that is not empty.

        Args:
            mask: Logits at the size of the mask features, (h, w).
            box: First and last row, first and last column with a logit above 0;
                the last is before the first where there is none.

        Returns:
            The part of the full-size mask outside which no logit is above 0.
        """
        top, bottom = self.rows.reach(*box[:2])
        left, right = self.columns.reach(*box[2:])
        if top == bottom or left == right:
            return MaskRegion(mask[:0, :0], 0, 0)
        y1, y2 = self.rows.sources(top, bottom)
        # (bottom - top, w): the small size first
        rows = self.rows.matrix[y1:y2, top:bottom].T @ mask[y1:y2]
        blocks = []
        for start in range(left, right, self.block):
            stop = min(start + self.block, right)
            x1, x2 = self.columns.sources(start, stop)
            blocks.append(rows[:, x1:x2] @ self.columns.matrix[x1:x2, start:stop])
        return MaskRegion(torch.cat(blocks, dim=1), top, left)


class _Axis:
    """Both resizes along one axis.

    Attributes:
        matrix: Share of each low-size pixel in each full-size pixel, (low, full).
    """

    def __init__(
        self,
        low: int,
        batch_input: int,
        image: int,
        output: int | None,
        device: torch.device,
    ) -> None:
        # the columns of the identity, resized, are the weights of the resize
        matrix = torch.eye(low)[None]
        matrix = F.interpolate(matrix, batch_input, mode='linear', align_corners=False)
        matrix = matrix[..., :image]
        if output is not None:
            matrix = F.interpolate(matrix, output, mode='linear', align_corners=False)
        self.matrix = matrix[0].to(device)
        used = matrix[0] > 0
        self._first_full, self._last_full = _first_and_last(used)
        self._first_low, self._last_low = _first_and_last(used.T)

    def reach(self, first: int, last: int) -> tuple[int, int]:
        """Full-size pixels, from and to, that low-size pixels first to last reach."""
        reached = [i for i in range(first, last + 1) if self._last_full[i] >= 0]
        if not reached:
            return 0, 0
        start = min(self._first_full[i] for i in reached)
        return start, max(self._last_full[i] for i in reached) + 1

    def sources(self, start: int, stop: int) -> tuple[int, int]:
        """Low-size pixels, from and to, that full-size pixels are made of."""
        return self._first_low[start], self._last_low[stop - 1] + 1


def _first_and_last(used: Tensor) -> tuple[list[int], list[int]]:
    """First and last true column of each row; -1 as the last where there is none."""
    length = used.shape[1]
    first = used.int().argmax(1)
    last = length - 1 - used.flip(1).int().argmax(1)
    last = torch.where(used.any(1), last, -1)
    return first.tolist(), last.tolist()


def positive_boxes(masks: Tensor) -> list[tuple[int, int, int, int]]:
    """Where each mask has logits above 0, with one transfer from the device.

    Args:
        masks: Logits, (n, h, w).

    Returns:
        First and last row, first and last column of each; the last is -1 and the
        first 0 where there is none.
    """
    inside = masks > 0
    edges = []
    for profile in (inside.any(2), inside.any(1)):
        first = profile.int().argmax(1)
        last = profile.shape[1] - 1 - profile.flip(1).int().argmax(1)
        edges += [first, torch.where(profile.any(1), last, -1)]
    return [tuple(box) for box in torch.stack(edges, 1).tolist()]


def region_quality(logits: Tensor) -> Tensor:
    """Mean probability inside a mask, Mask2Former's factor of the score.

    Args:
        logits: Logits of a region, (h, w).

    Returns:
        In [0, 1], a scalar; 0 for an empty mask.
    """
    # inside is where the probability is above one half
    total = F.threshold_(logits.sigmoid(), 0.5, 0.0).sum()
    return total / ((logits > 0).sum() + 1e-6)
