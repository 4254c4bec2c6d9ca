"""A stack of masks whose pixels are built once, at the size they are used."""

from collections.abc import Sequence

import cv2
import numpy as np

from .rle import RLE, decode_columns, rle_bbox


class MaskStack:
    """N masks of one size, as a source and an index map for either axis.

    Nearest-neighbour resize, flip, crop and pad act on rows and columns
    separately, so any chain of them is one gather: output pixel (y, x) is
    source pixel (rows[y], columns[x]), or 0 where either index is -1. The
    source stays encoded until :attr:`pixels` are read, and what a crop cuts away
    is never resized. Built pixels are cropped, padded and flipped by slices, which
    are copied and not gathered.

    Args:
        source: RLEs of size (H, W), or uint8 bitmaps of shape (N, H, W).
        height: H in pixels.
        width: W in pixels.
    """

    def __init__(
        self, source: Sequence[RLE] | np.ndarray, height: int, width: int
    ) -> None:
        self._source = source if isinstance(source, np.ndarray) else list(source)
        self._rows = np.arange(height)
        self._columns = np.arange(width)
        self._built = isinstance(source, np.ndarray)

    def __len__(self) -> int:
        return len(self._source)

    @property
    def height(self) -> int:
        """Height of the masks in pixels."""
        return len(self._rows)

    @property
    def width(self) -> int:
        """Width of the masks in pixels."""
        return len(self._columns)

    @property
    def pixels(self) -> np.ndarray:
        """The masks as uint8, shape (N, height, width); built at first use."""
        self.build()
        return self._source

    def build(self) -> None:
        """Build the pixels if they are not built yet."""
        if self._built:
            return
        self._source = self._gather()
        self._rows = np.arange(self.height)
        self._columns = np.arange(self.width)
        self._built = True

    def take(self, indices: np.ndarray) -> 'MaskStack':
        """The masks at ``indices``, an integer array of shape (M,)."""
        if _is_identity(indices, len(self)):
            return self
        if isinstance(self._source, np.ndarray):
            source = self._source[as_slice(indices)]
        else:
            source = [self._source[index] for index in indices]
        return self._like(source, self._rows, self._columns, self._built)

    def remap(self, rows: np.ndarray, columns: np.ndarray) -> 'MaskStack':
        """Gather along both axes without touching a pixel yet.

        Args:
            rows: Row of this stack for every row of the result, shape (h,);
                -1 gives zeros.
            columns: Likewise for columns, shape (w,).
        """
        if _is_identity(rows, self.height) and _is_identity(columns, self.width):
            return self
        return self._like(
            self._source, _compose(self._rows, rows), _compose(self._columns, columns)
        )

    def _gather(self) -> np.ndarray:
        out = np.zeros((len(self), self.height, self.width), dtype=np.uint8)
        for target, mask in zip(out, self._source, strict=True):
            if isinstance(mask, np.ndarray):
                left, top, right, bottom = 0, 0, mask.shape[1], mask.shape[0]
            else:
                left, top, width, height = (int(side) for side in rle_bbox(mask))
                right, bottom = left + width, top + height
            # only the object's box is written; the rest stays 0
            y1, y2 = _span(self._rows, top, bottom)
            x1, x2 = _span(self._columns, left, right)
            if y1 == y2 or x1 == x2:
                continue
            if not isinstance(mask, np.ndarray):
                mask = decode_columns(mask, left, right)
            rows = as_slice(self._rows[y1:y2])
            columns = as_slice(self._columns[x1:x2] - left)
            # columns first: decoded masks are column-major
            target[y1:y2, x1:x2] = mask.T[columns][:, rows].T
        return out

    def _like(self, source, rows, columns, built=False) -> 'MaskStack':
        stack = object.__new__(MaskStack)
        stack._source, stack._rows, stack._columns = source, rows, columns
        stack._built = built
        return stack


def resize_indices(old: int, new: int) -> np.ndarray:
    """Source index of every pixel after OpenCV's nearest-neighbour resize.

    OpenCV itself resizes a ramp, so the map rounds as the installed version does.

    Args:
        old: Length in pixels before.
        new: Length in pixels after.

    Returns:
        Integer indices, shape (new,).
    """
    ramp = np.arange(old, dtype=np.float32)[None]
    resized = cv2.resize(ramp, (new, 1), interpolation=cv2.INTER_NEAREST)
    return resized[0].astype(np.int64)


def as_slice(indices: np.ndarray) -> slice | np.ndarray:
    """The slice that reads the same as ``indices``, which numpy copies much faster.

    Args:
        indices: Indices >= 0, shape (n,).

    Returns:
        A slice where the indices ascend or descend one by one, otherwise ``indices``.
    """
    if len(indices) == 0:
        return indices
    first, last = int(indices[0]), int(indices[-1])
    step = 1 if last >= first else -1
    if (np.diff(indices) != step).any():
        return indices
    stop = last + step
    return slice(first, stop if stop >= 0 else None, step)


def _compose(inner: np.ndarray, outer: np.ndarray) -> np.ndarray:
    if len(inner) == 0:
        return np.full(len(outer), -1)
    return np.where(outer >= 0, inner[outer], -1)


def _is_identity(indices: np.ndarray, length: int) -> bool:
    return np.array_equal(indices, np.arange(length))


def _span(indices: np.ndarray, start: int, stop: int) -> tuple[int, int]:
    """Where a monotonous index map reads from [start, stop), as a half-open range."""
    inside = np.flatnonzero((indices >= start) & (indices < stop))
    if len(inside) == 0:
        return 0, 0
    return int(inside[0]), int(inside[-1]) + 1
