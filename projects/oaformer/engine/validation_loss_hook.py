"""The loss on the validation images, beside the metric."""

import copy
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from mmdet.registry import HOOKS
from mmdet.structures import DetDataSample
from mmengine.dist import all_reduce, get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.runner.amp import autocast
from torch import nn
from torch.utils.data import DataLoader

from .checkpoint_fit import unwrapped_model
from .iteration_seed_hook import seed_iteration


@HOOKS.register_module()
class ValidationLossHook(Hook):
    """Compute the training losses on the validation images at every validation.

    They join the metric's numbers as ``val/loss``, ``val/loss_mask`` and so on, each
    the mean over the images, for any number of processes. So they reach the log
    and all backends, and ``save_best='val/loss'`` works.

    Images pass the model one by one in evaluation mode, without gradients, padded as
    in training. Points are drawn with the same seed for an image every time, and the
    state of the random numbers is put back: training is the same without the hook. It
    costs a second forward pass over the validation set and the losses.

    Args:
        pipeline: Transforms that make a training sample without chance. Annotations
            are loaded before the image is resized, so that masks have its size. The
            rest, files and workers, is that of ``val_dataloader``.
    """

    # before the metrics are recorded, and while EMAHook's weights are in place
    priority = 'HIGHEST'

    def __init__(self, pipeline: list[dict]) -> None:
        self.pipeline = pipeline
        self.dataloader = None

    def before_train(self, runner: Runner) -> None:
        """Open the data, so that a mistake shows now and not after the first epochs.

        Raises:
            ValueError: If the validation data set has no pipeline to replace.
        """
        if self.dataloader is not None:
            return
        cfg = copy.deepcopy(runner.cfg.val_dataloader)
        if 'pipeline' not in cfg.dataset:
            raise ValueError(
                f'ValidationLossHook: val_dataloader.dataset ({cfg.dataset.type}) has '
                'no pipeline that could be replaced. Give the validation images as '
                'one data set, without a wrapper.'
            )
        cfg.dataset.pipeline = self.pipeline
        cfg.pop('batch_sampler', None)
        cfg.update(
            batch_size=1,
            sampler=dict(type='DefaultSampler', shuffle=False),
            persistent_workers=False,
        )
        self.dataloader = runner.build_dataloader(cfg, seed=runner.seed)

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Add the mean losses to ``metrics``, in place.

        Raises:
            ValueError: If masks and image differ in size.
        """
        self.before_train(runner)
        model = unwrapped_model(runner)
        with _kept_random_state(), autocast(enabled=runner.val_loop.fp16):
            losses = mean_losses(model, self.dataloader)
        for name, value in losses.items():
            metrics[f'val/{name}'] = value
            # MMEngine logs what is called a loss as the mean of the last 50
            runner.message_hub.log_scalars.pop(f'val/val/{name}', None)


@torch.no_grad()
def mean_losses(model: nn.Module, dataloader: DataLoader) -> dict[str, float]:
    """Mean of a model's losses, and of their sum ``loss``, over all processes' images.

    Args:
        model: The model, in evaluation mode and without a wrapper.
        dataloader: Yields one image at a time. With n processes, process r has the
            images r, r + n, ... and, where they don't divide evenly, some from the
            start again, which do not count.

    Raises:
        ValueError: If masks and image differ in size.
    """
    totals = {}
    size = len(dataloader.dataset)
    for step, batch in enumerate(dataloader):
        image = step * get_world_size() + get_rank()
        seed_iteration(0, image, phase=0)
        _check_mask_sizes(batch['data_samples'])
        # as in training: masks are padded with the image
        batch = model.data_preprocessor(batch, training=True)
        _, losses = model.parse_losses(model(**batch, mode='loss'))
        counts = image < size
        for name, value in losses.items():
            totals[name] = totals.get(name, 0.0) + counts * value.item()
    sums = torch.tensor(list(totals.values()), dtype=torch.float64)
    all_reduce(sums)
    return dict(zip(totals, (sums / size).tolist(), strict=True))


@contextmanager
def _kept_random_state() -> Iterator[None]:
    """Put the random numbers of Python, numpy and torch back in the end."""
    python, numpy_state = random.getstate(), np.random.get_state()
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices):
        yield
    random.setstate(python)
    np.random.set_state(numpy_state)


def _check_mask_sizes(samples: list) -> None:
    for sample in samples:
        if not isinstance(sample, DetDataSample):
            continue
        masks = sample.gt_instances.masks
        size, img_shape = (masks.height, masks.width), tuple(sample.img_shape[:2])
        if size != img_shape:
            raise ValueError(
                f'ValidationLossHook: {sample.img_path} is {img_shape}, its masks are '
                f'{size}. In the pipeline of the hook LoadAmodalAnnotations must come '
                'before Resize.'
            )
