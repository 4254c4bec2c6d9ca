"""One training step of a detector, and what its tensors take."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import Tensor, nn

from ..structures import AmodalMasks
from .memory import TensorLedger, ZeroKernels
from .memory_budget import StepMemory

PARTS = ('images and targets', 'backbone', 'pixel decoder', 'decoders', 'losses')


def made_up_batch(
    batch_size: int, size: tuple[int, int], objects: int, num_classes: int
) -> tuple[Tensor, list[DetDataSample]]:
    """Random images with half-hidden boxes as objects.

    Args:
        batch_size: Images.
        size: Their height and width, in pixels.
        objects: Objects in each image.
        num_classes: Classes to choose from.

    Returns:
        Images (B, 3, H, W), and their samples.
    """
    rng = np.random.default_rng(0)
    height, width = size
    samples = []
    for _ in range(batch_size):
        masks = np.zeros((objects, height, width), dtype=np.uint8)
        for mask in masks:
            top, left = rng.integers(height // 2), rng.integers(width // 2)
            mask[top : top + height // 3, left : left + width // 3] = 1
        visible = masks.copy()
        visible[:, ::2] = 0
        masks = AmodalMasks(masks, height, width, visible=visible)
        labels = torch.from_numpy(rng.integers(0, num_classes, objects))
        meta = dict(batch_input_shape=size, img_shape=size, ori_shape=size)
        sample = DetDataSample(metainfo=meta)
        sample.gt_instances = InstanceData(labels=labels, masks=masks)
        samples.append(sample)
    return torch.randn(batch_size, 3, height, width), samples


@contextmanager
def naming_parts(model: nn.Module, ledger: TensorLedger) -> Iterator[None]:
    """Let the parts of a detector say who they are while they run.

    Args:
        model: A detector with ``panoptic_head``.
        ledger: What counts.
    """
    head = model.panoptic_head
    methods = (
        ('backbone', model.backbone, 'forward'),
        ('decoders', head, 'forward'),
        ('pixel decoder', head.pixel_decoder, 'forward'),
        ('losses', head, 'loss_by_feat'),
    )
    for part, owner, method in methods:
        setattr(owner, method, ledger.naming(part)(getattr(owner, method)))
    try:
        yield
    finally:
        for _, owner, method in methods:
            delattr(owner, method)


def training_step(
    model: nn.Module, images: Tensor, samples: list, dtype: torch.dtype
) -> Tensor:
    """The forward pass of a training step, to the sum of its losses.

    Args:
        model: A detector.
        images: (B, 3, H, W).
        samples: Their samples, with ground truth.
        dtype: float32, or the type for autocast.
    """
    with torch.autocast('cpu', dtype, enabled=dtype != torch.float32):
        losses = model(images, samples, mode='loss')
    return sum(value.sum() for value in losses.values())


def measure_step(
    model: nn.Module,
    batch_size: int,
    size: tuple[int, int],
    objects: int,
    dtype: torch.dtype,
) -> StepMemory:
    """Run a training step and count its tensors.

    Args:
        model: A detector with ``panoptic_head``.
        batch_size: Images.
        size: Their height and width, in pixels.
        objects: Objects in each image.
        dtype: float32, or the type for autocast.
    """
    num_classes = model.panoptic_head.num_things_classes
    images, samples = made_up_batch(batch_size, size, objects, num_classes)
    # gradients of parameters are counted by themselves, so none may stay
    handles = [
        parameter.register_post_accumulate_grad_hook(_drop_gradient)
        for parameter in model.parameters()
        if parameter.requires_grad
    ]
    ledger = TensorLedger([*model.parameters(), *model.buffers()])
    ledger.part = 'images and targets'
    with ZeroKernels(), ledger, naming_parts(model, ledger):
        ledger.enter(images)
        total = training_step(model, images, samples, dtype)
        kept = ledger.by_part()
        total.backward()
    for handle in handles:
        handle.remove()
    return StepMemory({part: kept.get(part, 0) for part in PARTS}, ledger.peak)


def measure_prediction(model: nn.Module, size: tuple[int, int]) -> int:
    """Most bytes held while one image is predicted, parameters apart.

    Everything is computed: masks of zeros would be empty ones, which cost nothing.

    Args:
        model: A detector.
        size: Height and width of the image, in pixels.
    """
    images, samples = made_up_batch(1, size, 1, 1)
    ledger = TensorLedger([*model.parameters(), *model.buffers()])
    with ledger, torch.no_grad():
        ledger.enter(images)
        model.eval()(images, samples, mode='predict')
    model.train()
    return ledger.peak


def _drop_gradient(parameter: nn.Parameter) -> None:
    parameter.grad = None
