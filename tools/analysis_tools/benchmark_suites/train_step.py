"""Losses of the head, and the whole training step."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData
from torch import Tensor, nn

from oaformer.models.task_modules import OAFormerOutput, amodal_targets
from oaformer.structures import AmodalMasks

from .data import groceries
from .measure import Case
from .models import NUM_CLASSES, decoder_features, model_pair

SIZE = 1024
INSTANCES = 12
STAGES = 10


def cases(device: str, folder: Path) -> list[Case]:
    """Head losses with 100 and 300 queries, then whole steps."""
    losses = [loss_case(num_queries, device) for num_queries in (100, 300)]
    return [*losses, step_case(device), step_case(device, num_cp=6)]


def samples(batch_size: int, device: str) -> tuple[list, list]:
    """The same objects for stock MMDetection and for OAFormer."""
    rng = np.random.default_rng(0)
    stock, ours = [], []
    for _ in range(batch_size):
        masks = groceries(rng, INSTANCES, SIZE, SIZE)
        labels = torch.from_numpy(rng.integers(0, NUM_CLASSES, INSTANCES)).to(device)
        for batch, carrier in ((stock, BitmapMasks), (ours, AmodalMasks)):
            size = (SIZE, SIZE)
            meta = dict(batch_input_shape=size, img_shape=size, ori_shape=size)
            sample = DetDataSample(metainfo=meta)
            sample.gt_instances = InstanceData(
                labels=labels, masks=carrier(masks, SIZE, SIZE)
            )
            batch.append(sample)
    return stock, ours


def loss_case(num_queries: int, device: str) -> Case:
    """Losses of 10 stages and their gradients, B = 2, from embeddings on."""
    stock, ours = (model.panoptic_head for model in model_pair(num_queries, device))
    batches = samples(2, device)
    generator = torch.Generator().manual_seed(0)

    def leaf(*shape: int) -> Tensor:
        values = torch.randn(*shape, generator=generator).to(device)
        return values.requires_grad_()

    embeds = [leaf(2, num_queries, 256) for _ in range(STAGES)]
    scores = [leaf(2, num_queries, NUM_CLASSES + 1) for _ in range(STAGES)]
    features = decoder_features(SIZE, SIZE, device, batch_size=2)[0]
    features = (features / 16).requires_grad_()

    def finish(losses: dict[str, Tensor]) -> dict[str, Tensor]:
        total = sum(value.sum() for value in losses.values())
        for tensor in (*embeds, *scores, features):
            tensor.grad = None
        total.backward()
        return {key: value.detach().sum() for key, value in losses.items()}

    def run_stock() -> dict[str, Tensor]:
        torch.manual_seed(0)
        masks = [torch.einsum('bqc,bchw->bqhw', embed, features) for embed in embeds]
        instances = [sample.gt_instances for sample in batches[0]]
        panoptic = [None] * len(instances)
        targets = stock.preprocess_gt(instances, panoptic)
        metas = [sample.metainfo for sample in batches[0]]
        return finish(stock.loss_by_feat(scores, masks, targets, metas))

    def run_ours() -> dict[str, Tensor]:
        torch.manual_seed(0)
        targets = amodal_targets(batches[1], torch.device(device), False)
        output = OAFormerOutput(scores, embeds, features, [])
        return finish(ours.loss_by_feat(output, targets))

    return Case(
        name=f'head loss + backward, B = 2, {SIZE} x {SIZE}, Q = {num_queries}',
        stock=run_stock,
        ours=run_ours,
        check=check_losses,
        target=2.2,
        memory_target=1 / 3,
    )


def check_losses(stock: dict[str, Tensor], ours: dict[str, Tensor]) -> None:
    """Equal up to the points, which are drawn at random."""
    assert stock.keys() == ours.keys()
    for key, value in stock.items():
        torch.testing.assert_close(ours[key], value, rtol=0.1, atol=0.02)


def step_case(device: str, num_cp: int = -1) -> Case:
    """Forward, losses, backward and optimiser, B = 1."""
    models = model_pair(100, device, num_cp)
    batches = samples(1, device)
    image = torch.randn(1, 3, SIZE, SIZE, device=device)

    def run(model: nn.Module, batch: list) -> Callable[[], dict]:
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.0)
        model.train()

        def step() -> dict:
            torch.manual_seed(0)
            losses = model(image, batch, mode='loss')
            optimizer.zero_grad()
            sum(value.sum() for value in losses.values()).backward()
            optimizer.step()
            return {key: value.detach().sum() for key, value in losses.items()}

        return step

    name = f'whole step, R50, B = 1, {SIZE} x {SIZE}, Q = 100'
    return Case(
        name=name if num_cp < 0 else f'{name}, num_cp={num_cp}',
        stock=run(models[0], batches[0]),
        ours=run(models[1], batches[1]),
        check=check_losses,
        target=1.3,
        memory_target=2 / 3,
    )
