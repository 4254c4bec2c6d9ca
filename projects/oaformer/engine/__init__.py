"""Reading of untrusted files, hooks, and the command lines of the tools."""

from .checkpoint import SafeCheckpointHook, register_safe_loaders
from .checkpoint_fit import (
    CheckpointFitHook,
    CheckpointMisfitError,
    compare_weights,
    saved_dataset_meta,
)
from .class_check_hook import ClassCheckHook, ClassMismatchError
from .data_check_hook import DataCheckHook
from .dataset_config import dataset_classes, inner_datasets, innermost_dataset
from .iteration_seed_hook import IterationSeedHook
from .launch import cli, faults_in_one_line, find_config, finish_processes
from .main_process_logger_hook import MainProcessLoggerHook
from .safe_load import UnsafeCheckpointError, safe_load
from .validation_loss_hook import ValidationLossHook

__all__ = [
    'CheckpointFitHook',
    'CheckpointMisfitError',
    'ClassCheckHook',
    'ClassMismatchError',
    'DataCheckHook',
    'IterationSeedHook',
    'MainProcessLoggerHook',
    'SafeCheckpointHook',
    'UnsafeCheckpointError',
    'ValidationLossHook',
    'cli',
    'compare_weights',
    'dataset_classes',
    'faults_in_one_line',
    'find_config',
    'finish_processes',
    'inner_datasets',
    'innermost_dataset',
    'register_safe_loaders',
    'safe_load',
    'saved_dataset_meta',
]
