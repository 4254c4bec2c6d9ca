"""RoI heads and mask heads of two-stage systems."""

from .amodal_roi_head import AmodalRoIHead
from .mask_heads import (
    AISFormerMaskHead,
    BaseAmodalMaskHead,
    BCNetMaskHead,
    FCNAmodalMaskHead,
    GlobalLayeringHead,
    ORCNNMaskHead,
    ShapeDictMaskHead,
    SLNMaskHead,
)
from .shapedict_roi_head import ShapeDictRoIHead
from .sln_roi_head import SLNRoIHead

__all__ = [
    'AISFormerMaskHead',
    'AmodalRoIHead',
    'BCNetMaskHead',
    'BaseAmodalMaskHead',
    'FCNAmodalMaskHead',
    'GlobalLayeringHead',
    'ORCNNMaskHead',
    'SLNMaskHead',
    'SLNRoIHead',
    'ShapeDictMaskHead',
    'ShapeDictRoIHead',
]
