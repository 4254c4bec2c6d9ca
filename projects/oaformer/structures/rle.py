"""Run-length encodings of masks.

Inside the package an encoded mask is a compressed RLE of pycocotools with ``counts``
as ``str``: small, quick to merge and ready for JSON. :func:`to_rle` brings every
encoding that the public amodal data sets use to that form, and refuses corrupt ones,
which pycocotools itself reads without an error.
"""

from collections.abc import Sequence

import numpy as np
import pycocotools.mask as mask_util

from .rle_encoding import RLE


def decode_masks(rles: Sequence[RLE], height: int = 0, width: int = 0) -> np.ndarray:
    """Decode RLEs of one size to uint8 bitmaps of 0 and 1, shape (N, H, W).

    Args:
        rles: RLEs of the same ``size``.
        height: H in pixels where ``rles`` is empty.
        width: W in pixels where ``rles`` is empty.
    """
    if len(rles) == 0:
        return np.zeros((0, height, width), dtype=np.uint8)
    # (H, W, N) -> (N, H, W)
    return mask_util.decode(list(rles)).transpose(2, 0, 1)


def decode_columns(rle: RLE, left: int, right: int) -> np.ndarray:
    """Decode the columns ``left`` to ``right`` - 1, uint8, shape (H, right - left)."""
    # runs go down the columns, so the columns are one piece of them
    height = rle['size'][0]
    ends = np.cumsum(counts_of(rle)) - left * height
    ends = ends.clip(0, (right - left) * height)
    part = np.diff(ends, prepend=0).tolist()
    size = [height, right - left]
    return mask_util.decode(
        mask_util.frPyObjects({'size': size, 'counts': part}, *size)
    )


def rle_area(rle: RLE) -> int:
    """Number of pixels inside an RLE."""
    return int(mask_util.area(rle))


def rle_areas(rles: Sequence[RLE]) -> list[int]:
    """Number of pixels inside each RLE, in few calls instead of one per RLE."""
    areas = []
    # pycocotools overflows where it is asked for the areas of more than 255
    for start in range(0, len(rles), 255):
        areas += mask_util.area(list(rles[start : start + 255])).tolist()
    return areas


def rle_intersection(first: RLE, second: RLE) -> RLE:
    """RLE of the pixels that lie inside both."""
    return with_str_counts(mask_util.merge([first, second], intersect=True))


def rle_union(*masks: RLE) -> RLE:
    """RLE of the pixels that lie inside any, at least one mask."""
    return with_str_counts(mask_util.merge(list(masks)))


def rle_difference(first: RLE, second: RLE) -> RLE:
    """RLE of the pixels of ``first`` that do not lie inside ``second``."""
    height, width = first['size']
    inside = rle_intersection(first, second)
    # a pixel is in one of two nested masks only between two of their edges; where
    # both begin or end, or a run has no length, two edges are none
    edges = np.concatenate([np.cumsum(counts_of(rle)) for rle in (first, inside)])
    edges, numbers = np.unique(edges, return_counts=True)
    edges = edges[(numbers % 2 == 1) & (edges < height * width)]
    runs = np.diff(edges, prepend=0, append=height * width)
    return with_str_counts(
        mask_util.frPyObjects({'size': [height, width], 'counts': runs}, height, width)
    )


def intersection_areas(first: Sequence[RLE], second: Sequence[RLE]) -> np.ndarray:
    """Number of pixels inside both masks of each pair, int64, shape (M,).

    Raises:
        ValueError: If the lengths or the sizes of two masks differ; pycocotools would
            return no overlap for the latter.
    """
    if len(first) != len(second):
        raise ValueError(f'{len(first)} masks cannot be paired with {len(second)}')
    merged = []
    for one, other in zip(first, second, strict=True):
        if list(one['size']) != list(other['size']):
            raise ValueError(
                f'masks of sizes {one["size"]} and {other["size"]} (height, width) '
                'are not of the same image'
            )
        merged.append(mask_util.merge([one, other], intersect=True))
    return np.array(rle_areas(merged), dtype=np.int64)


def rle_bbox(rle: RLE) -> list[float]:
    """Tightest box around an RLE, ``[x, y, width, height]`` in pixels."""
    return mask_util.toBbox(rle).tolist()


def counts_of(rle: RLE) -> np.ndarray:
    """Run lengths of a compressed RLE, outside and inside in turn.

    The compressed form (cocoapi, ``maskApi.c``, ``rleFrString``) writes every
    run as base-32 digits, lowest first, with a continuation bit and a sign,
    and from the fourth run on as the difference to the run two before.

    Args:
        rle: RLE with compressed counts (``str`` or ``bytes``).

    Returns:
        int64 run lengths, shape (R,).

    Raises:
        ValueError: If the counts end in the middle of a number or hold a
            character that the form does not know.
    """
    counts = rle['counts']
    text = counts.encode('ascii') if isinstance(counts, str) else bytes(counts)
    digits = np.frombuffer(text, dtype=np.uint8).astype(np.int64) - 48
    if len(digits) == 0:
        return np.zeros(0, dtype=np.int64)
    if digits.min() < 0 or digits.max() > 63 or digits[-1] & 0x20:
        raise ValueError('the compressed counts are cut off or hold odd characters')
    last = (digits & 0x20) == 0
    number = np.cumsum(last) - last
    starts = np.flatnonzero(np.concatenate(([True], last[:-1])))
    position = np.arange(len(digits)) - starts[number]
    if position.max() > 11:
        raise ValueError('the compressed counts hold a number too large for any mask')
    values = np.add.reduceat((digits & 0x1F) << (5 * position), starts)
    ends = np.flatnonzero(last)
    negative = (digits[ends] & 0x10) != 0
    values -= negative * (np.int64(1) << (5 * (position[ends] + 1)))
    # runs 1, 3, 5 ... and 2, 4, 6 ... are difference-coded, run 0 is not
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def to_rle(segmentation: object, height: int, width: int) -> RLE:
    """Bring any mask encoding to a compressed RLE of the given size.

    Accepts a flat polygon list, a list of polygons, an RLE with compressed
    counts as ``str`` or ``bytes``, and an RLE with a list of run lengths.

    Args:
        segmentation: The mask as in an annotation file.
        height: Height of its image in pixels.
        width: Width of its image in pixels.

    Returns:
        The RLE, ``counts`` as ``str``.

    Raises:
        ValueError: If the encoding is unknown, empty, corrupt, or of another size
            than the image.
    """
    if isinstance(segmentation, dict):
        return _rle_from_dict(segmentation, height, width)
    if isinstance(segmentation, (list, tuple)):
        return _rle_from_polygons(list(segmentation), height, width)
    raise ValueError(
        'a mask must be an RLE (dict with "size" and "counts") or polygons (list), '
        f'not {type(segmentation).__name__}'
    )


def _rle_from_dict(segmentation: dict, height: int, width: int) -> RLE:
    if 'size' not in segmentation or 'counts' not in segmentation:
        raise ValueError('an RLE needs the keys "size" and "counts"')
    size = [int(side) for side in segmentation['size']]
    if size != [height, width]:
        raise ValueError(
            f'the RLE is {size[0]} x {size[1]} (height x width) but its image is '
            f'{height} x {width}'
        )
    counts = segmentation['counts']
    if isinstance(counts, (list, tuple)):
        runs = np.asarray(counts)
        if len(runs) and runs.dtype.kind not in 'iu':
            raise ValueError('RLE counts must be whole numbers')
        runs = runs.astype(np.int64)
    elif isinstance(counts, (str, bytes)):
        runs = counts_of(segmentation)
    else:
        raise ValueError(
            f'RLE counts must be str, bytes or list, not {type(counts).__name__}'
        )
    if len(runs) and runs.min() < 0 or runs.sum() != height * width:
        raise ValueError(
            f'the RLE is corrupt: its runs cover {int(runs.sum())} pixels, the image '
            f'has {height * width}'
        )
    if isinstance(counts, (list, tuple)):
        return with_str_counts(
            mask_util.frPyObjects({'size': size, 'counts': runs.tolist()}, *size)
        )
    return with_str_counts({'size': size, 'counts': counts})


def _rle_from_polygons(polygons: list, height: int, width: int) -> RLE:
    if polygons and all(isinstance(value, (int, float)) for value in polygons):
        polygons = [polygons]
    if not polygons:
        raise ValueError('the polygon list is empty')
    for polygon in polygons:
        if not isinstance(polygon, (list, tuple)):
            raise ValueError('polygons must be lists of numbers')
        if len(polygon) < 6 or len(polygon) % 2:
            raise ValueError(
                f'a polygon needs at least three points (x, y), this one has '
                f'{len(polygon)} numbers'
            )
        points = np.asarray(polygon)
        if points.dtype.kind not in 'iuf':
            raise ValueError('a polygon must hold numbers only, of usual size')
        if not np.isfinite(points).all():
            raise ValueError('a polygon holds a number that is not finite')
        # beyond, pycocotools runs out of its integers and ends the process
        if np.abs(points.astype(np.float64)).max() > 1e6:
            raise ValueError('a polygon holds a coordinate beyond 1,000,000 pixels')
    # frPyObjects takes a list of exactly four numbers for a box, never these
    rles = mask_util.frPyObjects([list(polygon) for polygon in polygons], height, width)
    return with_str_counts(mask_util.merge(rles))


def with_str_counts(rle: dict) -> RLE:
    """The RLE with its counts as ``str`` and its size as integers."""
    counts = rle['counts']
    if isinstance(counts, bytes):
        counts = counts.decode('ascii')
    return {'size': [int(side) for side in rle['size']], 'counts': counts}
