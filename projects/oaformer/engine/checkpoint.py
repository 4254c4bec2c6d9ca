"""Loaders that take the place of MMEngine's, so that checkpoints are read safely.

MMEngine 0.10.7 leaves ``weights_only`` to torch: from a local file, torch >= 2.6 then
refuses MMEngine's own checkpoints, and from the internet, torch.hub reads everything.
Importing this module registers loaders that read both with :func:`safe_load`. This is
the one place where something of MMEngine is replaced. Files in an S3 or Petrel store
are still read by MMEngine's loader, with torch's default.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, is_main_process
from mmengine.runner import (
    CheckpointLoader,
    get_deprecated_model_names,
    get_external_models,
    get_mmcls_models,
    get_torchvision_models,
)

from .safe_load import safe_load


@CheckpointLoader.register_scheme(prefixes='', force=True)
def load_from_local(filename: str, map_location: Any = None) -> Any:
    """Load a checkpoint from a file.

    Args:
        filename (str): The file's path.
        map_location (Any): Same as in :func:`torch.load`. Defaults to None.

    Returns:
        Any: What was saved, usually a dict.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    path = Path(filename).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f'There is no checkpoint {filename}.')
    return safe_load(path, map_location)


@CheckpointLoader.register_scheme(prefixes=('http://', 'https://'), force=True)
def load_from_http(filename: str, map_location: Any = None) -> Any:
    """Load a checkpoint from a web address, by way of torch.hub's cache.

    Args:
        filename (str): The address.
        map_location (Any): Same as in :func:`torch.load`. Defaults to None.

    Returns:
        Any: What was saved, usually a dict.

    Raises:
        ConnectionError: If the file cannot be downloaded.
    """
    # One process downloads, the others of its machine then find the file.
    if is_main_process():
        path = _download(filename)
    barrier()
    if not is_main_process():
        path = _download(filename)
    return safe_load(path, map_location, name=f'{filename} (kept in {path})')


@CheckpointLoader.register_scheme(
    prefixes=('torchvision://', 'modelzoo://', 'open-mmlab://', 'openmmlab://'),
    force=True,
)
def load_from_modelzoo(filename: str, map_location: Any = None) -> Any:
    """Load a checkpoint by its name in torchvision's or OpenMMLab's list.

    Args:
        filename (str): Such as ``torchvision://resnet50``.
        map_location (Any): Same as in :func:`torch.load`. Defaults to None.

    Returns:
        Any: What was saved, usually a dict.

    Raises:
        KeyError: If the list has no such name.
    """
    scheme = filename.partition('://')[0]
    if scheme in ('torchvision', 'modelzoo'):
        url = _look_up(filename, get_torchvision_models)
    else:
        url = _look_up(filename, get_external_models, get_deprecated_model_names())
    return load_from_http(url, map_location)


@CheckpointLoader.register_scheme(prefixes='mmcls://', force=True)
def load_from_mmcls(filename: str, map_location: Any = None) -> dict:
    """Load the backbone of a classifier by its name in MMClassification's list.

    Args:
        filename (str): Such as ``mmcls://mobilenet_v2``.
        map_location (Any): Same as in :func:`torch.load`. Defaults to None.

    Returns:
        dict: The backbone's weights, without their prefix, as ``state_dict``.

    Raises:
        KeyError: If the list has no such name.
    """
    checkpoint = load_from_http(_look_up(filename, get_mmcls_models), map_location)
    weights = checkpoint.get('state_dict', checkpoint)
    prefix = 'backbone.'
    return dict(
        state_dict={
            key.removeprefix(prefix): value
            for key, value in weights.items()
            if key.startswith(prefix)
        }
    )


def _look_up(
    filename: str,
    list_models: Callable[[], dict[str, str]],
    renamed: dict[str, str] | None = None,
) -> str:
    name = filename.partition('://')[2]
    models = list_models()
    name = (renamed or {}).get(name, name)
    if name not in models:
        raise KeyError(f'{filename}: MMEngine knows no model of this name.')
    return models[name]


def _download(url: str) -> Path:
    """Return the file that a web address names, downloaded if it is not there yet."""
    path = Path(torch.hub.get_dir(), 'checkpoints', Path(urlparse(url).path).name)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(path), progress=os.isatty(2))
        except (URLError, TimeoutError) as error:
            raise ConnectionError(
                f'{url} could not be downloaded ({error}). Download it elsewhere '
                f'and put it at {path}, or give the local file instead, for a '
                'backbone with --cfg-options model.backbone.init_cfg.checkpoint=FILE.'
            ) from error
    return path
