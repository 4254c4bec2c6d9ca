"""Run-length encoding of masks that are on a device."""

import torch
from torch import Tensor

from ...structures import RLE, encode_region


class RegionEncoder:
    """Encodes masks, each given as the region outside which it is empty.

    Each transfer from the device waits for it. So regions are collected there until
    together they would have more pixels than the image, and transferred at once. No two
    that are larger than half the image fit together: these are encoded as they come.

    Args:
        size: Height and width of the image in pixels.
        device: Where the masks are.
    """

    def __init__(self, size: tuple[int, int], device: torch.device) -> None:
        self.size = size
        self._pixels = torch.empty(size[0] * size[1], dtype=torch.bool, device=device)
        self._used = 0
        # index, shape, top and left of each collected region
        self._regions: list[tuple[int, torch.Size, int, int]] = []
        self._rles: list[RLE | None] = []

    def add(self, inside: Tensor, top: int, left: int) -> None:
        """Add a mask.

        Args:
            inside: Bool bitmap of the region, (h, w).
            top: Row of the region's first pixel in the image.
            left: Column of the region's first pixel in the image.
        """
        index = len(self._rles)
        if 2 * inside.numel() > len(self._pixels):
            pixels = inside.cpu().numpy()
            self._rles.append(encode_region(pixels, top, left, *self.size))
            return
        self._rles.append(None)
        if self._used + inside.numel() > len(self._pixels):
            self._encode()
        stop = self._used + inside.numel()
        self._pixels[self._used : stop].view(inside.shape).copy_(inside)
        self._used = stop
        self._regions.append((index, inside.shape, top, left))

    def finish(self) -> list[RLE]:
        """Encode the rest; the RLEs of all masks in the order of :meth:`add`."""
        self._encode()
        return self._rles

    def _encode(self) -> None:
        if not self._regions:
            return
        pixels = self._pixels[: self._used].cpu().numpy()
        start = 0
        for index, shape, top, left in self._regions:
            region = pixels[start : start + shape.numel()].reshape(shape)
            self._rles[index] = encode_region(region, top, left, *self.size)
            start += shape.numel()
        self._regions, self._used = [], 0
