"""Evaluation of amodal instance segmentation."""

from .amodal_coco_metric import AmodalCocoMetric
from .amodal_evaluation import AmodalEvaluation, evaluate_amodal
from .functional import MaskEvaluation, evaluate_masks
from .ground_truth import AmodalGroundTruth, load_ground_truth
from .matched_evaluation import AmodalMatch, MatchedEvaluation
from .predictions import compact_prediction
from .summary import Measurement, measurements

__all__ = [
    'AmodalCocoMetric',
    'AmodalEvaluation',
    'AmodalGroundTruth',
    'AmodalMatch',
    'MaskEvaluation',
    'MatchedEvaluation',
    'Measurement',
    'compact_prediction',
    'evaluate_amodal',
    'evaluate_masks',
    'load_ground_truth',
    'measurements',
]
