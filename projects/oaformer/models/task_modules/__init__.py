"""Targets of a batch, their matching with queries, and sampling at points."""

from .matching import (
    Matches,
    MatchingWeights,
    assign,
    match_stages,
    matching_cost,
    matching_weights,
)
from .point_sampling import matched_masks, sample_masks, uncertain_points
from .targets import AmodalTargets, amodal_targets

__all__ = [
    'AmodalTargets',
    'Matches',
    'MatchingWeights',
    'amodal_targets',
    'assign',
    'match_stages',
    'matched_masks',
    'matching_cost',
    'matching_weights',
    'sample_masks',
    'uncertain_points',
]
