"""Bitmaps to run-length encodings, at the cost of the object and not of the image.

Amodal masks are small objects in large images. pycocotools walks over every pixel,
one at a time and against the order of the memory. Here a mask's box is found with two
tests that numpy vectorises, and only what lies in the box is turned and searched for
runs. The result is pycocotools' own, byte for byte.
"""

import cv2
import numpy as np
import pycocotools.mask as mask_util

RLE = dict[str, list[int] | str]


def encode_masks(masks: np.ndarray) -> list[RLE]:
    """Encode bitmaps.

    Args:
        masks: Bool or integer bitmaps, shape (N, H, W); non-zero is inside.

    Returns:
        One RLE ``{'size': [H, W], 'counts': str}`` per mask.

    Raises:
        ValueError: If ``masks`` has another shape.
    """
    masks = np.asarray(masks)
    if masks.ndim != 3:
        raise ValueError(f'masks must have shape (N, H, W), not {masks.shape}')
    return [encode_region(mask, 0, 0, *masks.shape[1:]) for mask in masks]


def encode_region(
    region: np.ndarray, top: int, left: int, height: int, width: int
) -> RLE:
    """Encode a mask that is empty outside a region.

    Args:
        region: Bool or integer bitmap, shape (h, w); non-zero is inside.
        top: Row of the region's first pixel in the image.
        left: Column of the region's first pixel in the image.
        height: Height H of the image in pixels.
        width: Width W of the image in pixels.

    Returns:
        RLE ``{'size': [H, W], 'counts': str}`` of the whole image.
    """
    size = [int(height), int(width)]
    edges = _edges(region, top, left, size[0])
    runs = np.diff(edges, prepend=0, append=size[0] * size[1])
    if len(edges) and runs[-1] == 0:
        runs = runs[:-1]
    # An array of counts is converted as a whole, a list number by number.
    rle = mask_util.frPyObjects({'size': size, 'counts': runs}, *size)
    return {'size': size, 'counts': rle['counts'].decode('ascii')}


def _edges(region: np.ndarray, top: int, left: int, height: int) -> np.ndarray:
    """Where runs begin and end, in turn, counted down the image's columns, (2R,)."""
    columns = np.flatnonzero(region.any(axis=0))
    if len(columns) == 0:
        return columns
    x1, x2 = columns[0], columns[-1] + 1
    rows = np.flatnonzero(region[:, x1:x2].any(axis=1))
    y1, y2 = rows[0], rows[-1] + 1
    box = region[y1:y2, x1:x2]
    inside = box if box.dtype == np.bool_ else box != 0
    # OpenCV turns in blocks that fit into the cache; numpy takes ten times as long.
    turned = cv2.transpose(inside.view(np.uint8))
    box_height = int(y2 - y1)
    pixels = turned.reshape(-1)
    edges = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    if pixels[0]:
        edges = np.concatenate(([0], edges))
    if pixels[-1]:
        edges = np.concatenate((edges, [pixels.size]))
    if box_height == height:
        return edges + (left + x1) * height
    # What goes on from a column of the box to the next is two runs in the image.
    cuts = np.flatnonzero(turned[:-1, -1] & turned[1:, 0]) + 1
    if len(cuts):
        edges = np.sort(np.concatenate((edges, np.repeat(cuts * box_height, 2))))
    # A run may end a column: its last pixel has the right place in the image, the
    # pixel behind it, in the next column, has not.
    edges[1::2] -= 1
    edges += edges // box_height * (height - box_height)
    edges[1::2] += 1
    return edges + ((left + x1) * height + top + y1)
