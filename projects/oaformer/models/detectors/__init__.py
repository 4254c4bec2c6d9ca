"""The OAFormer detector."""

from .oaformer import OAFormer

__all__ = ['OAFormer']
