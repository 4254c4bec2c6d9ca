"""Reading of untrusted files, hooks, and the command lines of the tools."""

from .checkpoint import SafeCheckpointHook, register_safe_loaders
from .dataset_config import innermost_dataset
from .dump_results import DumpAmodalResults
from .iteration_seed_hook import IterationSeedHook
from .launch import (
    cli,
    find_config,
    finish_processes,
    resolve_data_paths,
    set_up_processes,
)
from .load_results import UnsafeResultsError, load_results
from .pretrained_weights import PretrainedWeights, load_pretrained_weights
from .safe_load import UnsafeCheckpointError, safe_load
from .validation_loss_hook import ValidationLossHook

__all__ = [
    'DumpAmodalResults',
    'IterationSeedHook',
    'PretrainedWeights',
    'SafeCheckpointHook',
    'UnsafeCheckpointError',
    'UnsafeResultsError',
    'ValidationLossHook',
    'cli',
    'find_config',
    'finish_processes',
    'innermost_dataset',
    'load_pretrained_weights',
    'load_results',
    'register_safe_loaders',
    'resolve_data_paths',
    'safe_load',
    'set_up_processes',
]
