"""Masks and their carrier. Imports nothing else of the package."""

from .amodal_instances import as_amodal_instances, derived_occlusion_rates
from .amodal_masks import AmodalMasks
from .mask_stack import MaskStack
from .rle import (
    RLE,
    decode_masks,
    intersection_areas,
    rle_area,
    rle_areas,
    rle_bbox,
    rle_difference,
    rle_intersection,
    to_rle,
)
from .rle_encoding import encode_masks, encode_region

__all__ = [
    'RLE',
    'AmodalMasks',
    'MaskStack',
    'as_amodal_instances',
    'decode_masks',
    'derived_occlusion_rates',
    'encode_masks',
    'encode_region',
    'intersection_areas',
    'rle_area',
    'rle_areas',
    'rle_bbox',
    'rle_difference',
    'rle_intersection',
    'to_rle',
]
