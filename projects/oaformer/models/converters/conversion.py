"""Result of a conversion of weights."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from torch import Tensor

NUM_NAMED = 8


class ConversionError(ValueError):
    """Weights that cannot be converted without losing or inventing values."""


class Conversion(NamedTuple):
    """Converted weights, and what became of each name.

    Attributes:
        weights: Tensors by their new names.
        sources: The old name of each new one. Several new names may share one.
        left_out: Old names that the new model does not have.
        fresh: Names of the new model for which there are no weights.
    """

    weights: dict[str, Tensor]
    sources: dict[str, str]
    left_out: list[str]
    fresh: list[str]


def name_some(names: Iterable[str]) -> str:
    """List names for a message, the first of them if there are many."""
    names = sorted(names)
    rest = len(names) - NUM_NAMED
    return ', '.join(names[:NUM_NAMED]) + (f' and {rest} more' if rest > 0 else '')


def other_shapes(
    weights: Mapping[str, Tensor], model: Mapping[str, Tensor]
) -> list[str]:
    """Say which tensors have another shape than those of the same name in a model."""
    return [
        f'{name} is {tuple(tensor.shape)} and not {tuple(model[name].shape)}'
        for name, tensor in weights.items()
        if name in model and tensor.shape != model[name].shape
    ]
