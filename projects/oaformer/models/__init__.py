"""OAFormer, and the heads of two-stage systems."""

from .detectors import FCOSMask, OAFormer
from .heads import FullPrecisionFCOSHead, FullPrecisionRPNHead, OAFormerHead
from .layers import OcclusionDistinguishModule, OcclusionEmbeddingModule
from .losses import OcclusionRateLoss
from .postprocessors import AmodalFusionHead
from .roi_heads import (
    AISFormerMaskHead,
    AmodalRoIHead,
    BCNetMaskHead,
    FCNAmodalMaskHead,
    GlobalLayeringHead,
    ORCNNMaskHead,
    ShapeDictMaskHead,
    ShapeDictRoIHead,
    SLNMaskHead,
    SLNRoIHead,
)

__all__ = [
    'AISFormerMaskHead',
    'AmodalFusionHead',
    'AmodalRoIHead',
    'BCNetMaskHead',
    'FCNAmodalMaskHead',
    'FCOSMask',
    'FullPrecisionFCOSHead',
    'FullPrecisionRPNHead',
    'GlobalLayeringHead',
    'OAFormer',
    'OAFormerHead',
    'ORCNNMaskHead',
    'ShapeDictMaskHead',
    'ShapeDictRoIHead',
    'OcclusionDistinguishModule',
    'OcclusionEmbeddingModule',
    'OcclusionRateLoss',
    'SLNMaskHead',
    'SLNRoIHead',
]
