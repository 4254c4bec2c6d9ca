"""The OAFormer head."""

from .oaformer_head import OAFormerHead

__all__ = ['OAFormerHead']
