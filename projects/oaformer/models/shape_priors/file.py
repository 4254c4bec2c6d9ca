"""The file of shape priors."""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .autoencoder import ShapeAutoencoder

_FORMAT = 'oaformer_shape_priors'
_VERSION = 1


def shape_priors_content(
    autoencoder: ShapeAutoencoder, codes: Sequence[Tensor], meta: dict[str, Any]
) -> dict[str, Any]:
    """The content of a file of shape priors, for ``torch.save``.

    Args:
        autoencoder: The autoencoder.
        codes: Codes of each class, (count, code_size).
        meta: ``classes`` and what else is to be known of them.

    Returns:
        ``autoencoder``, its state; ``codes``, filled up with zeros, (C, most,
        code_size); ``counts``, (C,); ``meta``, ``format`` and ``version``.
    """
    counts = torch.tensor([len(each) for each in codes])
    size = autoencoder.code_size
    padded = torch.zeros(len(codes), int(counts.max()), size)
    for each, into in zip(codes, padded, strict=True):
        into[: len(each)] = each
    return dict(
        format=_FORMAT,
        version=_VERSION,
        meta=dict(meta, num_stages=len(autoencoder.encoder)),
        autoencoder=autoencoder.state_dict(),
        codes=padded,
        counts=counts,
    )


def read_shape_priors(file: str | Path) -> dict[str, Any]:
    """Read a file of :func:`shape_priors_content`; it is read as data.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it is another file.
    """
    if not Path(file).is_file():
        raise FileNotFoundError(
            f'the shape priors {file} are missing: build them with '
            f'"python tools/misc/build_shape_priors.py CONFIG --out {file}"'
        )
    try:
        content = torch.load(file, map_location='cpu', weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(f'{file} can not be read as shape priors: {error}') from error
    if not isinstance(content, dict) or content.get('format') != _FORMAT:
        raise ValueError(
            f'{file} holds no shape priors of tools/misc/build_shape_priors.py'
        )
    if content['version'] != _VERSION:
        raise ValueError(
            f'{file} has version {content["version"]} of the shape priors, this '
            f'program reads version {_VERSION}: build them again'
        )
    return content
