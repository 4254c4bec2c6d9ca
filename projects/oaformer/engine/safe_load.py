"""Reading a checkpoint without running code that it may hold."""

import logging
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer, print_log
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

# A zip archive, or a pickle file from before torch 1.6.
CHECKPOINT_BEGINS = (b'PK', b'\x80')
TRUST_VARIABLE = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'


class UnreadableCheckpointError(RuntimeError):
    """A file is damaged, or not a checkpoint."""


class UnsafeCheckpointError(pickle.UnpicklingError):
    """A checkpoint holds more than data, and the user has not declared it trusted."""


def safe_load(
    file: str | Path,
    map_location: Any = None,
    *,
    name: str | None = None,
) -> Any:
    """Load a checkpoint with ``weights_only=True``.

    The few classes that the log histories of MMEngine's checkpoints need are allowed.
    A file that needs more is refused, unless the user trusts it by setting torch's
    ``TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1``.

    Args:
        file: The checkpoint's path.
        map_location: Same as in :func:`torch.load`.
        name: Name of the file in messages, by default ``file``.

    Returns:
        What was saved, usually a dict.

    Raises:
        UnsafeCheckpointError: If the file needs globals that are not known to be
            harmless.
        UnreadableCheckpointError: If the file is damaged or is not a checkpoint.
    """
    name = str(file) if name is None else name
    trusted = is_trusted(name)
    with safe_globals(_checkpoint_globals()):
        try:
            return torch.load(file, map_location=map_location, weights_only=not trusted)
        except (OSError, MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            # another kind of file may fail in any way
            with open(file, 'rb') as stream:
                begin = stream.read(20)
            reason = f'it begins with {begin}' if begin else 'it is empty'
            if begin.startswith(CHECKPOINT_BEGINS):
                if isinstance(error, pickle.UnpicklingError) and not trusted:
                    raise _refusal(name, file, error) from error
                reason = str(error).partition('. ')[0]
            raise UnreadableCheckpointError(
                f'{name} could not be read as a checkpoint; is the copy or the '
                f'download complete? ({reason})'
            ) from error


def is_trusted(name: str) -> bool:
    """Whether the user trusts all files, code included; warns of ``name`` if so."""
    trusted = os.environ.get(TRUST_VARIABLE, '0').lower() in ('1', 'y', 'yes', 'true')
    if trusted:
        print_log(
            f'{name} is loaded with everything in it, code included, because '
            f'{TRUST_VARIABLE} is set.',
            logger='current',
            level=logging.WARNING,
        )
    return trusted


def numpy_globals() -> dict[str, Callable]:
    """Functions that rebuild a pickled array and a pickled number, by their names."""
    functions = np.empty(0).__reduce__()[0], np.float64(0).__reduce__()[0]
    # numpy 1 and 2 keep these in different modules, and a file may be from either
    return {
        f'numpy.{core}.multiarray.{function.__name__}': function
        for function in functions
        for core in ('core', '_core')
    }


def advice(file_kind: str, reason: str) -> str:
    """Say why a file was not loaded, and what to do."""
    return (
        f'was not loaded: only data is read from a {file_kind}, and {reason}. Loading '
        'such a file can run any code that its author put into it. If you trust where '
        f'it comes from, set the environment variable {TRUST_VARIABLE}=1 and repeat '
        'the command; if not, ask for a file that holds data only.'
    )


def _checkpoint_globals() -> list[type | tuple[Callable, str]]:
    """List what MMEngine's checkpoints name and torch does not allow by default."""
    numbers = np.typecodes['AllInteger'] + np.typecodes['AllFloat'] + '?'
    return [
        HistoryBuffer,
        np.ndarray,
        np.dtype,
        *{type(np.dtype(code)) for code in numbers},
        *[(function, name) for name, function in numpy_globals().items()],
        (_history_buffer_statistic, 'builtins.getattr'),
    ]


def _history_buffer_statistic(owner: Any, name: str) -> Callable:
    """Replacement of ``getattr``, which runs any code, for a pickled HistoryBuffer."""
    if owner is HistoryBuffer and not name.startswith('_'):
        method = vars(HistoryBuffer).get(name)
        if isinstance(method, FunctionType):
            return method
    raise pickle.UnpicklingError(f'getattr({owner!r}, {name!r}) is not allowed')


def _refusal(
    name: str, file: str | Path, error: pickle.UnpicklingError
) -> UnsafeCheckpointError:
    """Error that names what a checkpoint wants beyond the allowed."""
    try:
        unsafe = sorted(get_unsafe_globals_in_checkpoint(file))
    except (ValueError, RuntimeError, pickle.UnpicklingError):
        # files from before torch 1.6 are not zip archives and cannot be listed
        unsafe = []
    if unsafe:
        reason = 'it also wants ' + ', '.join(unsafe)
    else:
        # torch puts its finding between two paragraphs of general advice
        finding = re.search(r'\n\n\s*(.+?)\s*\n\nCheck the doc', str(error), re.DOTALL)
        reason = f'torch says: {finding[1] if finding else error}'.rstrip('.')
    return UnsafeCheckpointError(f'{name} {advice("checkpoint", reason)}')
