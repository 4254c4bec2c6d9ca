"""The losses of a stage."""

from .occlusion_rate_loss import OcclusionRateLoss
from .stage_losses import PointSampling, class_loss, mask_losses, with_class_weight

__all__ = [
    'OcclusionRateLoss',
    'PointSampling',
    'class_loss',
    'mask_losses',
    'with_class_weight',
]
