"""Reading weights that MMDetection or detectron2 saved, without running code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...engine.data_unpickler import load_pickle
from ...engine.safe_load import UnsafeCheckpointError, safe_load


class PretrainedWeights(NamedTuple):
    """Weights of a model and the class names stored with them.

    Attributes:
        weights: Tensors by name.
        classes: Names of its classes, None where the file has none.
    """

    weights: dict[str, Tensor]
    classes: tuple[str, ...] | None


def load_pretrained_weights(file: str | Path) -> PretrainedWeights:
    """Load weights from a checkpoint of MMDetection or detectron2.

    Args:
        file: A checkpoint that torch saved, or a pickle file of arrays as in
            detectron2's model zoo, whose name ends in ``.pkl``.

    Returns:
        The weights, on the CPU.

    Raises:
        FileNotFoundError: If the file is missing.
        UnsafeCheckpointError: If the file holds more than data, and is not trusted as
            :func:`safe_load` describes.
        RuntimeError: If the file is damaged.
        ValueError: If it does not hold weights.
    """
    path = Path(file)
    if not path.is_file():
        raise FileNotFoundError(f'{file} not found')
    if path.suffix == '.pkl':
        # as detectron2 reads them: some are from Python 2
        content = load_pickle(path, UnsafeCheckpointError, encoding='latin1')
    else:
        content = safe_load(path, 'cpu')
    if not isinstance(content, Mapping):
        raise ValueError(f'{file} holds {type(content).__name__}, not weights')
    # MMEngine's name, detectron2's name, or nothing around them
    weights = content.get('state_dict', content.get('model', content))
    if not isinstance(weights, Mapping) or not weights:
        raise ValueError(f'{file} holds no weights')
    for name, value in weights.items():
        if not isinstance(value, (Tensor, np.ndarray)):
            raise ValueError(
                f'{file}: {name!r} is {type(value).__name__}, not a tensor'
            )
    tensors = {name: torch.as_tensor(value) for name, value in weights.items()}
    return PretrainedWeights(tensors, _classes(content.get('meta')))


def _classes(meta: Any) -> tuple[str, ...] | None:
    """Class names of MMEngine's ``meta``, or of MMCV's from before it."""
    if not isinstance(meta, Mapping):
        return None
    meta = {**meta, **(meta.get('dataset_meta') or {})}
    meta = {str(key).lower(): value for key, value in meta.items()}
    return tuple(meta['classes']) if meta.get('classes') else None
