"""Evaluation of amodal instance segmentation."""

from .amodal_coco_metric import AmodalCocoMetric
from .amodal_evaluation import AmodalEvaluation, evaluate_amodal
from .completion_metric import CompletionMetric
from .ground_truth import load_ground_truth
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
    'compact_prediction',
    'evaluate_amodal',
    'load_ground_truth',
    'load_results',
    'measurements',
]
