"""Reading a pickle file without running code that it may hold."""

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .safe_load import UnreadableCheckpointError, advice, is_trusted, numpy_globals


class UnsafeGlobalError(pickle.UnpicklingError):
    """A pickle file names something that tensors, arrays and containers don't need."""


class DataUnpickler(pickle.Unpickler):
    """Reads tensors, arrays, numbers and containers, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        """Look up what the file names; ``load`` calls it."""
        try:
            return _allowed_globals()[f'{module}.{name}']
        except KeyError:
            raise UnsafeGlobalError(f'{module}.{name}') from None


def load_pickle(
    file: str | Path,
    refusal: type[pickle.UnpicklingError],
    encoding: str = 'ASCII',
) -> Any:
    """Load a pickle file that holds data only, or that the user trusts.

    Args:
        file: The file's path.
        refusal: What to raise if it holds more.
        encoding: How strings from Python 2 are read.

    Returns:
        What was saved.

    Raises:
        FileNotFoundError: If the file is missing.
        pickle.UnpicklingError: ``refusal``, if the file holds more than data and
            ``TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD`` is not set.
        RuntimeError: If the file is damaged or is not a pickle file.
    """
    unpickler = pickle.Unpickler if is_trusted(str(file)) else DataUnpickler
    try:
        with open(file, 'rb') as stream:
            return unpickler(stream, encoding=encoding).load()
    except UnsafeGlobalError as error:
        reason = f'it also wants {error}'
        raise refusal(f'{file} {advice("pickle file", reason)}') from error
    except FileNotFoundError:
        raise
    except Exception as error:
        # a damaged pickle file may fail in any way
        raise UnreadableCheckpointError(
            f'{file} could not be read as a pickle file; is the copy or the download '
            f'complete? ({error})'
        ) from error


def _allowed_globals() -> dict[str, Callable]:
    """What tensors, arrays, numbers and containers are pickled with, by their names."""
    from_buffer = np.empty(0).__reduce_ex__(5)[0]
    allowed = {
        'collections.OrderedDict': OrderedDict,
        'torch._utils._rebuild_tensor_v2': torch._utils._rebuild_tensor_v2,
        'torch.storage._load_from_bytes': _storage_from_bytes,
        'torch.Size': torch.Size,
        'numpy.ndarray': np.ndarray,
        'numpy.dtype': np.dtype,
        # bytes and sets in the old protocol that MMEngine writes
        '_codecs.encode': _latin1_bytes,
        **numpy_globals(),
    }
    for module in ('builtins', '__builtin__'):
        for container in (bytes, set, frozenset):
            allowed[f'{module}.{container.__name__}'] = container
    for core in ('core', '_core'):
        allowed[f'numpy.{core}.numeric._frombuffer'] = from_buffer
    return allowed


def _storage_from_bytes(content: bytes) -> Any:
    """Replacement of torch's function, which would unpickle anything inside."""
    return torch.load(io.BytesIO(content), map_location='cpu', weights_only=True)


def _latin1_bytes(text: str, encoding: str) -> bytes:
    """Replacement of ``codecs.encode``, which knows more than character sets."""
    if encoding != 'latin1':
        raise UnsafeGlobalError(f'the encoding {encoding}')
    return text.encode('latin1')
