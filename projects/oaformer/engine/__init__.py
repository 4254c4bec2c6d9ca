"""Loading of checkpoints, distributed set-up and what the tools share.

Importing it registers the checkpoint loaders.
"""

from .checkpoint import load_from_http, load_from_local
from .dataset_config import dataset_classes, innermost_dataset
from .distributed import finish_processes, set_up_processes
from .dump_results import DumpAmodalResults
from .iteration_seed_hook import IterationSeedHook
from .load_results import UnsafeResultsError, load_results
from .paths import find_config, resolve_data_paths
from .pretrained_weights import PretrainedWeights, load_pretrained_weights
from .safe_load import UnsafeCheckpointError, safe_load
from .validation_loss_hook import ValidationLossHook

__all__ = [
    'DumpAmodalResults',
    'IterationSeedHook',
    'PretrainedWeights',
    'UnsafeCheckpointError',
    'UnsafeResultsError',
    'ValidationLossHook',
    'dataset_classes',
    'find_config',
    'finish_processes',
    'innermost_dataset',
    'load_from_http',
    'load_from_local',
    'load_pretrained_weights',
    'load_results',
    'resolve_data_paths',
    'safe_load',
    'set_up_processes',
]
