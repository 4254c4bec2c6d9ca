"""Detectors."""

from .fcos_mask import FCOSMask
from .oaformer import OAFormer

__all__ = ['FCOSMask', 'OAFormer']
