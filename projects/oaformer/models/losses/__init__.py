"""The losses of all stages."""

from .mask_refinement_loss import matching_loss, weighted_mask_loss
from .occlusion_rate_loss import OcclusionRateLoss
from .stage_losses import (
    LossFunctions,
    PointSampling,
    class_loss,
    mask_losses,
    stage_losses,
    with_class_weight,
)

__all__ = [
    'LossFunctions',
    'OcclusionRateLoss',
    'PointSampling',
    'class_loss',
    'mask_losses',
    'matching_loss',
    'stage_losses',
    'weighted_mask_loss',
    'with_class_weight',
]
