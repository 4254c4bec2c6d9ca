"""Targets, matching, point sampling and the losses of a stage."""

from .class_loss import class_loss, with_class_weight
from .mask_losses import PointSampling, mask_losses
from .matching import (
    Matches,
    MatchingWeights,
    assign,
    match_stages,
    matching_cost,
    matching_weights,
)
from .occlusion_rate_loss import OcclusionRateLoss
from .point_sampling import (
    matched_masks,
    sample_features,
    sample_masks,
    uncertain_points,
)
from .targets import AmodalTargets, amodal_targets

__all__ = [
    'AmodalTargets',
    'Matches',
    'MatchingWeights',
    'OcclusionRateLoss',
    'PointSampling',
    'amodal_targets',
    'assign',
    'class_loss',
    'mask_losses',
    'match_stages',
    'matched_masks',
    'matching_cost',
    'matching_weights',
    'sample_features',
    'sample_masks',
    'uncertain_points',
    'with_class_weight',
]
