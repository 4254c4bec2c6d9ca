"""Building a model from a config and its weights, and the pipeline of its images."""

import logging
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmcv.transforms import BaseTransform
from mmdet.registry import MODELS, TRANSFORMS
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose
from mmengine.logging import print_log
from mmengine.model import revert_sync_batchnorm
from mmengine.runner import CheckpointLoader
from torch import nn
from torch.nn.modules.utils import consume_prefix_in_state_dict_if_present

from ..engine import (
    compare_weights,
    dataset_classes,
    find_config,
    innermost_dataset,
    register_safe_loaders,
    saved_dataset_meta,
)
from ..engine.launch import REPO_ROOT
from ..engine.safe_config import parse_config
from .predictor import ModelError, Predictor

# Parts of a path below configs/ that is not a model's config.
NOT_MODELS = {'_base_', 'grid.py'}
# What reads or needs the ground truth.
ANNOTATION_TRANSFORMS = (
    'LoadAmodalAnnotations',
    'LoadAnnotations',
    'OcclusionRate',
    'FilterAnnotations',
)


def find_model(model: str) -> Path:
    """Find a config by its path, or one of this repository's by its name.

    Args:
        model: Path, relative to the working folder or the repository, or a name such
            as ``oaformer_r50_d2sa``.

    Returns:
        The config's path.

    Raises:
        FileNotFoundError: If neither file nor name is found.
    """
    folder = REPO_ROOT / 'configs'
    named = {
        path.stem: path
        for path in sorted(folder.rglob('*.py'))
        if not NOT_MODELS & set(path.relative_to(folder).parts)
    }
    if model in named:
        return named[model]
    try:
        return find_config(model)
    except FileNotFoundError as error:
        names = ', '.join(named) or f'none, {folder} not found'
        raise FileNotFoundError(f'{error} Known names: {names}.') from None


def load_checkpoint(weights: str) -> dict:
    """Read a checkpoint, tensors and plain data only.

    Args:
        weights: File or web address.

    Returns:
        What was saved.

    Raises:
        FileNotFoundError: If a file does not exist.
        ModelError: If it can't be read, or holds more than data.
    """
    register_safe_loaders()
    try:
        checkpoint = CheckpointLoader.load_checkpoint(weights, map_location='cpu')
    except (RuntimeError, pickle.UnpicklingError) as error:
        raise ModelError(str(error)) from error
    if not isinstance(checkpoint, dict):
        raise ModelError(f'{weights} holds no weights but {type(checkpoint).__name__}')
    return checkpoint


def checkpoint_config(checkpoint: Mapping, weights: str) -> Config:
    """Config inside a checkpoint; ``weights`` names its file in messages.

    Raises:
        ModelError: If it has none, or one that is more than plain values.
    """
    text = checkpoint.get('meta', {}).get('cfg')
    if not isinstance(text, str):
        raise ModelError(
            f'{weights} has no config inside: name the config file, too, as in '
            "AmodalInferencer(model=CONFIG, weights='...')"
        )
    try:
        return parse_config(text, weights)
    except ValueError as error:
        raise ModelError(str(error)) from error


def load_model(cfg: Config | ConfigDict, weights: str | None, device: str) -> Predictor:
    """Build a model and give it its weights; nothing else is fetched.

    Args:
        cfg: The config; empty to take the one that is inside the weights.
        weights: Checkpoint or exported model (.onnx); None leaves it untrained.
        device: Such as 'cpu' or 'cuda:0'.

    Returns:
        The model, ready for testing.

    Raises:
        FileNotFoundError: If a file does not exist.
        ModelError: If it can't be read, or does not fit the config.
    """
    if weights is not None and weights.endswith('.onnx'):
        if cfg:
            raise ModelError(
                f'{weights} has its config inside: do not name another one'
            )
        # onnxruntime is optional
        from .onnx_predictor import OnnxPredictor

        return OnnxPredictor(weights, device)
    checkpoint = {} if weights is None else load_checkpoint(weights)
    if not cfg:
        cfg = checkpoint_config(checkpoint, weights)
    model = revert_sync_batchnorm(MODELS.build(cfg.model))
    model.cfg = cfg
    model.dataset_meta = dataset_meta(checkpoint, cfg)
    if weights is None:
        print_log(
            'No weights are given: the model is untrained and predicts noise.',
            logger='current',
            level=logging.WARNING,
        )
    else:
        load_weights(model, checkpoint, weights)
    return model.to(device).eval()


def check_device(device: str | None) -> None:
    """Raise a :class:`ModelError` for a device that this machine does not have."""
    if device is None:
        return
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise ModelError(f'device {device!r} not found ({error})') from error
    if kind == 'cuda' and not torch.cuda.is_available():
        raise ModelError(f'the device is {device!r}, but torch finds no GPU here')


def load_weights(model: nn.Module, checkpoint: Mapping, weights: str) -> None:
    """Load the weights of a checkpoint into a model.

    Missing weights are an error and not a line in the log: that part of the model
    would predict noise.

    Args:
        model: The model.
        checkpoint: What :func:`load_checkpoint` read.
        weights: Its file, for messages.

    Raises:
        ModelError: If weights are missing or have another shape.
    """
    state = dict(checkpoint.get('state_dict', checkpoint))
    # what DistributedDataParallel puts in front
    consume_prefix_in_state_dict_if_present(state, 'module.')
    misfit = compare_weights(model, state)
    missing, unexpected, misshapen, _ = misfit
    if misshapen or missing:
        problem = misfit.summary()
        if not misshapen:
            problem = f'it lacks {len(missing)} weights, such as {missing[0]}'
        raise ModelError(
            f'{weights} does not fit the config: {problem}. Was the model trained with '
            'this config?'
        )
    model.load_state_dict(state, strict=False)
    if unexpected:
        print_log(
            f"{weights} has {len(unexpected)} weights more than the config's model, "
            f'such as {unexpected[0]}; they are left out.',
            logger='current',
            level=logging.WARNING,
        )


def dataset_meta(checkpoint: Mapping, cfg: Config | ConfigDict) -> dict[str, Any]:
    """Class names, from a checkpoint or else from the config's test data set.

    No file of the data set is opened.

    Args:
        checkpoint: What :func:`load_checkpoint` read; empty if there is none.
        cfg: The config.

    Returns:
        ``dict(classes=...)``, with what else the checkpoint says of its data set;
        empty if nothing names the classes.
    """
    saved = saved_dataset_meta(checkpoint)
    if saved.get('classes'):
        return saved
    classes = dataset_classes(cfg, open_files=False)
    return dict(classes=classes) if classes else {}


def inference_pipeline(cfg: Config | ConfigDict) -> tuple[BaseTransform, Compose]:
    """Take the test pipeline apart: reading an image, and what follows.

    Args:
        cfg: The config; its test data set's pipeline counts.

    Returns:
        The transform that reads an image from ``dict(img_path=...)``, and those that
        make of ``dict(img=...)`` what the model takes, without ground truth.

    Raises:
        ModelError: If the config has no test pipeline that begins with
            ``LoadImageFromFile``.
    """
    # the same data set that parse_config checks
    dataset = innermost_dataset(cfg.get('test_dataloader', {}).get('dataset', {}))
    steps = [dict(step) for step in dataset.get('pipeline', [])]
    if not steps or _name(steps[0]) != 'LoadImageFromFile':
        raise ModelError(
            'the config has no test_dataloader.dataset.pipeline that begins with '
            'LoadImageFromFile'
        )
    loader = TRANSFORMS.build(steps[0])
    steps[0]['type'] = 'LoadImageFromNDArray'
    return loader, Compose(
        [step for step in steps if _name(step) not in ANNOTATION_TRANSFORMS]
    )


def _name(step: dict) -> str:
    """Name of a transform, whether it is given with a scope or as a class."""
    kind = step['type']
    return kind.rpartition('.')[2] if isinstance(kind, str) else kind.__name__
