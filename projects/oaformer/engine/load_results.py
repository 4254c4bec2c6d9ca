"""Reading predictions without running code that somebody put into their file."""

import pickle
from pathlib import Path
from typing import Any

from .data_unpickler import load_pickle


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
        list[dict]: One dict per image with ``img_id`` and ``pred_instances``.

    Raises:
        FileNotFoundError: If there is no such file.
        UnsafeResultsError: If the file names what predictions do not need.
        RuntimeError: If the file is damaged or is no pickle file.
        ValueError: If it holds something else than predictions.
    """
    results = load_pickle(file, UnsafeResultsError)
    if not isinstance(results, list) or not all(map(_is_prediction, results)):
        raise ValueError(
            f'{file} holds no predictions: it must be a list of dicts with "img_id" '
            'and "pred_instances", as tools/test.py --out writes it'
        )
    return results


def _is_prediction(result: Any) -> bool:
    return isinstance(result, dict) and {'img_id', 'pred_instances'} <= result.keys()
