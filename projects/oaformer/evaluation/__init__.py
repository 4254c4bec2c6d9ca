"""Evaluation of amodal instance segmentation."""

from .amodal_coco_metric import AmodalCocoMetric
from .amodal_evaluation import AmodalEvaluation, evaluate_amodal
from .average_precision import CocoEvaluation, evaluate_coco
from .ground_truth import AmodalGroundTruth, load_ground_truth
from .matched_evaluation import AmodalMatch, MatchedEvaluation
from .predictions import compact_prediction
from .results_file import DumpAmodalResults, UnsafeResultsError, load_results
from .summary import Measurement, measurements

__all__ = [
    'AmodalCocoMetric',
    'AmodalEvaluation',
    'AmodalGroundTruth',
    'AmodalMatch',
    'CocoEvaluation',
    'DumpAmodalResults',
    'MatchedEvaluation',
    'Measurement',
    'UnsafeResultsError',
    'compact_prediction',
    'evaluate_amodal',
    'evaluate_coco',
    'load_ground_truth',
    'load_results',
    'measurements',
]
