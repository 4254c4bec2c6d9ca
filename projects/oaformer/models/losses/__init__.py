"""Targets, matching, point sampling and the occlusion loss."""

from .matching import (
    Matches,
    MatchingWeights,
    assign,
    match_stages,
    matching_cost,
    matching_weights,
)
from .occlusion_rate_loss import OcclusionRateLoss
from .point_sampling import matched_mask_points, sample_features, sample_masks
from .targets import AmodalTargets, amodal_targets

__all__ = [
    'AmodalTargets',
    'Matches',
    'MatchingWeights',
    'OcclusionRateLoss',
    'amodal_targets',
    'assign',
    'match_stages',
    'matched_mask_points',
    'matching_cost',
    'matching_weights',
    'sample_features',
    'sample_masks',
]
