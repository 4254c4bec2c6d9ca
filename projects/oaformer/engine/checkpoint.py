"""Loaders that take the place of MMEngine's, so that checkpoints are read safely.

MMEngine 0.10.7 leaves ``weights_only`` to torch: from a local file, torch >= 2.6 then
refuses MMEngine's own checkpoints, and from the internet, torch.hub reads everything.
:func:`register_safe_loaders` lets MMEngine read both with :func:`safe_load`. This is
the one place where something of MMEngine is replaced. Files in an S3 or Petrel store
are still read by MMEngine's loader, with torch's default.
"""

import os
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlparse

import torch
from mmdet.registry import HOOKS
from mmengine.dist import barrier, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import (
    CheckpointLoader,
    Runner,
    get_deprecated_model_names,
    get_external_models,
    get_mmcls_models,
    get_torchvision_models,
)
from mmengine.runner.checkpoint import _process_mmcls_checkpoint

from .safe_load import safe_load

ZOOS = ('torchvision', 'modelzoo', 'open-mmlab', 'openmmlab', 'mmcls')


def register_safe_loaders() -> None:
    """Let MMEngine read checkpoints safely, in this process from now on."""
    for prefixes, loader in (
        ('', _load_from_local),
        (('http://', 'https://'), _load_from_http),
        ([f'{zoo}://' for zoo in ZOOS], _load_from_zoo),
    ):
        CheckpointLoader.register_scheme(prefixes, loader, force=True)


@HOOKS.register_module()
class SafeCheckpointHook(Hook):
    """Let a run read checkpoints safely, whichever tool started it."""

    # before other hooks that may load a checkpoint; the runner itself loads later
    priority = 'HIGHEST'

    def before_run(self, runner: Runner) -> None:
        """Register the loaders."""
        register_safe_loaders()


def _load_from_local(filename: str, map_location: Any = None) -> Any:
    path = Path(filename).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f'There is no checkpoint {filename}.')
    return safe_load(path, map_location)


def _load_from_http(filename: str, map_location: Any = None) -> Any:
    """Load a checkpoint from a web address, through torch.hub's cache."""
    # One process downloads, the others of its machine then find the file.
    if is_main_process():
        path = _download(filename)
    barrier()
    if not is_main_process():
        path = _download(filename)
    return safe_load(path, map_location, name=f'{filename} (kept in {path})')


def _load_from_zoo(filename: str, map_location: Any = None) -> Any:
    """Load a checkpoint by its name in one of MMEngine's lists of models."""
    zoo, _, name = filename.partition('://')
    if zoo == 'mmcls':
        models = get_mmcls_models()
    elif zoo in ('torchvision', 'modelzoo'):
        models = get_torchvision_models()
    else:
        models = get_external_models()
        name = get_deprecated_model_names().get(name, name)
    if name not in models:
        raise KeyError(f"{filename} not found in MMEngine's list of models")
    checkpoint = _load_from_http(models[name], map_location)
    return _process_mmcls_checkpoint(checkpoint) if zoo == 'mmcls' else checkpoint


def _download(url: str) -> Path:
    """File of a web address, downloaded if it is not there yet."""
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
