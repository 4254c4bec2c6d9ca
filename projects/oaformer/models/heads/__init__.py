"""The OAFormer head, and MMDetection's heads for mixed precision."""

from .full_precision_fcos_head import FullPrecisionFCOSHead
from .full_precision_rpn_head import FullPrecisionRPNHead
from .oaformer_head import OAFormerHead

__all__ = ['FullPrecisionFCOSHead', 'FullPrecisionRPNHead', 'OAFormerHead']
