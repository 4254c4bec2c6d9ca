"""Evaluation of amodal instance segmentation."""

from .amodal_coco_metric import AmodalCocoMetric, amodal_metric_of
from .amodal_evaluation import AmodalEvaluation, evaluate_amodal
from .completion_metric import CompletionMetric
from .ground_truth import load_ground_truth
from .image_resampling import bootstrap_differences, measure_by_weights
from .matched_evaluation import AmodalMatch
from .predictions import compact_prediction
from .results_file import DumpAmodalResults, UnsafeResultsError, load_results
from .summary import measurements

__all__ = [
    'AmodalCocoMetric',
    'AmodalEvaluation',
    'AmodalMatch',
    'CompletionMetric',
    'DumpAmodalResults',
    'UnsafeResultsError',
    'amodal_metric_of',
    'bootstrap_differences',
    'compact_prediction',
    'evaluate_amodal',
    'load_ground_truth',
    'load_results',
    'measure_by_weights',
    'measurements',
]
