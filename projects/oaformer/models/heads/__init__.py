"""The OAFormer head."""

from .full_precision_rpn_head import FullPrecisionRPNHead
from .oaformer_head import OAFormerHead

__all__ = ['FullPrecisionRPNHead', 'OAFormerHead']
