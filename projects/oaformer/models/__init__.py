"""Model, head, modules and losses of OAFormer."""

from .detectors import OAFormer
from .heads import OAFormerHead
from .layers import OcclusionDistinguishModule, OcclusionEmbeddingModule
from .losses import OcclusionRateLoss
from .postprocessors import AmodalFusionHead

__all__ = [
    'AmodalFusionHead',
    'OAFormer',
    'OAFormerHead',
    'OcclusionDistinguishModule',
    'OcclusionEmbeddingModule',
    'OcclusionRateLoss',
]
