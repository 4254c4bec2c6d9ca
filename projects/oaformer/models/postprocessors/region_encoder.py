"""Run-length encoding of masks that are on a device."""

import torch
from torch import Tensor

from ...structures import RLE, encode_region


class RegionEncoder:
    """Encodes masks, each given as the region outside which it is empty.

    Regions are collected on the device until together they would have more pixels than
    the image; then all of them are transferred at once. Each transfer waits for the
    device, so small objects need few, and the memory is that of one mask at full size.

    Args:
        size: Height and width of the image in pixels.
        device: Where the masks are.
    """

    def __init__(self, size: tuple[int, int], device: torch.device) -> None:
        self.size = size
        self._pixels = torch.empty(size[0] * size[1], dtype=torch.bool, device=device)
        self._used = 0
        # shape, top and left of each collected region
        self._regions: list[tuple[torch.Size, int, int]] = []
        self._rles: list[RLE] = []

    def add(self, inside: Tensor, top: int, left: int) -> None:
        """Add a mask.

        Args:
            inside: Bool bitmap of the region, (h, w).
            top: Row of the region's first pixel in the image.
            left: Column of the region's first pixel in the image.
        """
        if self._used + inside.numel() > len(self._pixels):
            self._encode()
        stop = self._used + inside.numel()
        self._pixels[self._used : stop].view(inside.shape).copy_(inside)
        self._used = stop
        self._regions.append((inside.shape, top, left))

    def finish(self) -> list[RLE]:
        """Encode the rest.

        Returns:
            The RLEs of all masks in the order in which they were added.
        """
        self._encode()
        return self._rles

    def _encode(self) -> None:
        pixels = self._pixels[: self._used].cpu().numpy()
        start = 0
        for shape, top, left in self._regions:
            region = pixels[start : start + shape.numel()].reshape(shape)
            self._rles.append(encode_region(region, top, left, *self.size))
            start += shape.numel()
        self._regions, self._used = [], 0
