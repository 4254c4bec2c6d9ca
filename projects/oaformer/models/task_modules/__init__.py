"""Targets of a batch, their matching with queries, and sampling at points."""

from .matching import (
    Matches,
    MatchingWeights,
    assign,
    match_stages,
    matching_cost,
    matching_weights,
)
from .oaformer_output import OAFormerOutput
from .point_sampling import matched_masks, sample_masks, uncertain_points
from .prompts import (
    Prompts,
    annotated_prompts,
    box_masks,
    draw_prompts,
    mask_boxes,
    sample_prompts,
    with_known,
)
from .targets import AmodalTargets, amodal_targets

__all__ = [
    'AmodalTargets',
    'Matches',
    'MatchingWeights',
    'OAFormerOutput',
    'Prompts',
    'amodal_targets',
    'annotated_prompts',
    'assign',
    'box_masks',
    'draw_prompts',
    'mask_boxes',
    'match_stages',
    'matched_masks',
    'matching_cost',
    'matching_weights',
    'sample_masks',
    'sample_prompts',
    'uncertain_points',
    'with_known',
]
