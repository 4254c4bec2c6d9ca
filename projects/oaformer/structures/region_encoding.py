"""Run-length encoding of a part of a picture."""

import numpy as np
import pycocotools.mask as mask_util

from .rle import RLE


def encode_region(
    region: np.ndarray, top: int, left: int, height: int, width: int
) -> RLE:
    """Encode a mask of which only one region is not empty.

    Byte-identical to encoding the whole picture, at the cost of the region.

    Args:
        region: Bool, (h, w).
        top: Row of its first pixel.
        left: Column of its first pixel.
        height: Height of the picture in pixels.
        width: Width of the picture in pixels.

    Returns:
        RLE of the whole picture.
    """
    rows, columns = region.shape
    # runs go down the columns: (w, H) in memory order
    inside = np.zeros((columns, height), dtype=bool)
    inside[:, top : top + rows] = region.T
    flat = inside.reshape(-1)
    starts = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if flat.size and flat[0]:
        starts = np.concatenate(([0], starts))
    edges = np.concatenate(([0], starts + left * height, [height * width]))
    counts = np.diff(edges)
    if flat.size and flat[-1] and left + columns < width:
        # the last run ends with the region, not with the picture
        end = (left + columns) * height
        counts = np.append(counts[:-1], [end - edges[-2], height * width - end])
    rle = mask_util.frPyObjects(
        {'size': [height, width], 'counts': counts.tolist()}, height, width
    )
    return {'size': [height, width], 'counts': rle['counts'].decode('ascii')}
