"""The losses of a stage."""

from .class_loss import class_loss, with_class_weight
from .mask_losses import PointSampling, mask_losses
from .occlusion_rate_loss import OcclusionRateLoss

__all__ = [
    'OcclusionRateLoss',
    'PointSampling',
    'class_loss',
    'mask_losses',
    'with_class_weight',
]
