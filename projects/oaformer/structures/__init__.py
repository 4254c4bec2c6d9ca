"""Masks and their carrier. Imports nothing else of the package."""

from .amodal_masks import AmodalMasks
from .mask_stack import MaskStack
from .rle import (
    RLE,
    decode_masks,
    encode_masks,
    rle_area,
    rle_bbox,
    rle_difference,
    rle_intersection,
    to_rle,
)

__all__ = [
    'RLE',
    'AmodalMasks',
    'MaskStack',
    'decode_masks',
    'encode_masks',
    'rle_area',
    'rle_bbox',
    'rle_difference',
    'rle_intersection',
    'to_rle',
]
