"""Masks and their carrier. Imports nothing else of the package."""

from .amodal_instances import as_amodal_instances
from .amodal_masks import AmodalMasks, mask_areas
from .rle import (
    RLE,
    decode_masks,
    intersection_areas,
    rle_area,
    rle_areas,
    rle_bbox,
    rle_difference,
    rle_intersection,
    rle_union,
    to_rle,
)
from .rle_encoding import encode_masks, encode_region

__all__ = [
    'RLE',
    'AmodalMasks',
    'as_amodal_instances',
    'decode_masks',
    'encode_masks',
    'encode_region',
    'intersection_areas',
    'mask_areas',
    'rle_area',
    'rle_areas',
    'rle_bbox',
    'rle_difference',
    'rle_intersection',
    'rle_union',
    'to_rle',
]
