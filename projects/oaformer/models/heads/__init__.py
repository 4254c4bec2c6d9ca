"""The OAFormer head."""

from .oaformer_head import OAFormerHead, OAFormerOutput

__all__ = ['OAFormerHead', 'OAFormerOutput']
