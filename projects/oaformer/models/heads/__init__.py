"""The OAFormer head."""

from .oaformer_head import OAFormerHead
from .oaformer_output import OAFormerOutput

__all__ = ['OAFormerHead', 'OAFormerOutput']
