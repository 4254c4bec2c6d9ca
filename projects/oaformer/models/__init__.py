"""OAFormer, and the heads of two-stage systems."""

from .detectors import OAFormer
from .heads import FullPrecisionRPNHead, OAFormerHead
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
    SLNMaskHead,
    SLNRoIHead,
)

__all__ = [
    'AISFormerMaskHead',
    'AmodalFusionHead',
    'AmodalRoIHead',
    'BCNetMaskHead',
    'FCNAmodalMaskHead',
    'FullPrecisionRPNHead',
    'GlobalLayeringHead',
    'OAFormer',
    'OAFormerHead',
    'ORCNNMaskHead',
    'OcclusionDistinguishModule',
    'OcclusionEmbeddingModule',
    'OcclusionRateLoss',
    'SLNMaskHead',
    'SLNRoIHead',
]
