"""Suites of the benchmark: functions from a device and a folder for files to cases."""

from collections.abc import Callable
from pathlib import Path

from . import data, end_to_end, evaluation, forward, postprocess, train_step
from .measure import Case

SUITES: dict[str, Callable[[str, Path], list[Case]]] = {
    'data': data.cases,
    'loader': data.loader_cases,
    'forward': forward.cases,
    'train-step': train_step.cases,
    'postprocess': postprocess.cases,
    'encode': evaluation.encode_cases,
    'evaluate': evaluation.evaluate_cases,
    'end-to-end': end_to_end.cases,
}

__all__ = ['SUITES', 'Case']
