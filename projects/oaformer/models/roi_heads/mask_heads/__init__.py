"""Mask heads of two-stage systems."""

from .aisformer_mask_head import AISFormerMaskHead
from .base_amodal_mask_head import BaseAmodalMaskHead
from .bcnet_mask_head import BCNetMaskHead
from .fcn_amodal_mask_head import FCNAmodalMaskHead
from .global_layering_head import GlobalLayeringHead
from .orcnn_mask_head import ORCNNMaskHead
from .shapedict_mask_head import ShapeDictMaskHead
from .sln_mask_head import SLNMaskHead

__all__ = [
    'AISFormerMaskHead',
    'BCNetMaskHead',
    'BaseAmodalMaskHead',
    'FCNAmodalMaskHead',
    'GlobalLayeringHead',
    'ORCNNMaskHead',
    'SLNMaskHead',
    'ShapeDictMaskHead',
]
