"""Evaluation of amodal instance segmentation."""

from .amodal_coco_metric import AmodalCocoMetric
from .functional import (
    MaskEvaluation,
    evaluate_masks,
    mean_occlusion_rate_error,
)

__all__ = [
    'AmodalCocoMetric',
    'MaskEvaluation',
    'evaluate_masks',
    'mean_occlusion_rate_error',
]
