"""Reading predictions without running code that somebody put into their file."""

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .safe_load import TRUST_VARIABLE, is_trusted, numpy_functions


class UnsafeResultsError(pickle.UnpicklingError):
    """A file of predictions holds more than data, and nobody said it is trusted."""


def load_results(file: str | Path) -> list[dict]:
    """Load predictions, as ``tools/test.py --out`` writes them.

    A pickle file can run any code while it is read. Predictions need a handful of
    functions that build tensors, arrays and containers; a file that names anything else
    is refused, unless the user trusts it as a checkpoint is trusted, by setting
    ``TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1``.

    Args:
        file (str | Path): The file's path.

    Returns:
        list[dict]: One dict per picture with ``img_id`` and ``pred_instances``.

    Raises:
        FileNotFoundError: If there is no such file.
        UnsafeResultsError: If the file names what predictions do not need.
        RuntimeError: If the file is damaged or is no pickle file.
        ValueError: If it holds something else than predictions.
    """
    unpickler = pickle.Unpickler if is_trusted(str(file)) else _ResultsUnpickler
    try:
        with open(file, 'rb') as stream:
            results = unpickler(stream).load()
    except UnsafeResultsError as error:
        raise UnsafeResultsError(
            f'{file} was not loaded: only data is read from a file of predictions, and '
            f'it also wants {error}. Loading such a file can run any code that its '
            'author put into it. If you trust where it comes from, set the environment '
            f'variable {TRUST_VARIABLE}=1 and repeat the command.'
        ) from error
    except FileNotFoundError:
        raise
    except Exception as error:
        # a damaged pickle file may fail in any way
        raise RuntimeError(
            f'{file} could not be read as a pickle file; is the copy complete? '
            f'({error})'
        ) from error
    if not isinstance(results, list) or not all(map(_is_prediction, results)):
        raise ValueError(
            f'{file} holds no predictions: it must be a list of dicts with "img_id" '
            'and "pred_instances", as tools/test.py --out writes it'
        )
    return results


def _is_prediction(result: Any) -> bool:
    return isinstance(result, dict) and {'img_id', 'pred_instances'} <= result.keys()


class _ResultsUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _allowed_globals()[f'{module}.{name}']
        except KeyError:
            raise UnsafeResultsError(f'{module}.{name}') from None


def _allowed_globals() -> dict[str, Callable]:
    """What tensors, arrays, numbers and containers are pickled with, by their names."""
    reconstruct, scalar = numpy_functions()
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
    }
    for module in ('builtins', '__builtin__'):
        for container in (bytes, set, frozenset):
            allowed[f'{module}.{container.__name__}'] = container
    # numpy 1 and 2 keep these in different modules, and a file may be from either
    for core in ('core', '_core'):
        allowed[f'numpy.{core}.multiarray._reconstruct'] = reconstruct
        allowed[f'numpy.{core}.multiarray.scalar'] = scalar
        allowed[f'numpy.{core}.numeric._frombuffer'] = from_buffer
    return allowed


def _storage_from_bytes(content: bytes) -> Any:
    """Stand in for torch's function, which would unpickle anything inside."""
    return torch.load(io.BytesIO(content), map_location='cpu', weights_only=True)


def _latin1_bytes(text: str, encoding: str) -> bytes:
    """Stand in for ``codecs.encode``, which knows more than character sets."""
    if encoding != 'latin1':
        raise UnsafeResultsError(f'the encoding {encoding}')
    return text.encode('latin1')
