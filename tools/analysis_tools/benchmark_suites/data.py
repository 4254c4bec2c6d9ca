"""Loading, augmenting and batching training images of D2SA's size."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from torch.utils.data import DataLoader, Dataset

from oaformer.structures import encode_masks, rle_bbox

from .measure import Case
from .models import CONFIGS, pipelines

HEIGHT, WIDTH, INSTANCES = 1440, 1920, 12
SEEDS = range(6)
LOADED, BATCH_SIZE, SIZE = 24, 2, (1024, 1024)


def groceries(
    rng: np.random.Generator, count: int, height: int = HEIGHT, width: int = WIDTH
) -> np.ndarray:
    """Smooth blobs of the size of D2SA's objects, uint8, (count, height, width)."""
    masks = np.zeros((count, height, width), dtype=np.uint8)
    for mask in masks:
        angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        radius = rng.uniform(60, 260) * (1 + 0.15 * np.sin(3 * angles + rng.random()))
        centre = rng.uniform((150, 150), (width - 150, height - 150))
        outline = (
            centre + np.stack([np.cos(angles), np.sin(angles)], 1) * radius[:, None]
        )
        cv2.fillPoly(mask, [outline.astype(np.int32)], 1)
    return masks


def write_sample(folder: Path, seed: int = 0) -> dict:
    """Write an image and describe it with amodal and visible masks."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (HEIGHT // 16, WIDTH // 16, 3), dtype=np.uint8)
    image = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    path = folder / f'{seed}.jpg'
    cv2.imwrite(str(path), image)
    amodal = groceries(rng, INSTANCES)
    above = np.cumsum(amodal, axis=0) - amodal
    visible = amodal * (above == 0)
    rates = 1 - visible.sum((1, 2)) / amodal.sum((1, 2))
    instances = []
    for index, (mask, part) in enumerate(
        zip(encode_masks(amodal), encode_masks(visible), strict=True)
    ):
        x, y, width, height = rle_bbox(mask)
        instances.append(
            dict(
                bbox=[x, y, x + width, y + height],
                bbox_label=index,
                ignore_flag=0,
                mask=mask,
                visible_mask=part,
                occlusion_rate=float(rates[index]),
                annotation_id=index,
            )
        )
    return dict(img_path=str(path), height=HEIGHT, width=WIDTH, instances=instances)


def augment(steps: list[dict], sample: dict) -> Callable[[], list]:
    """Run a pipeline on an image with each of the seeds."""
    pipeline = Compose(steps)

    def run() -> list:
        results = []
        for seed in SEEDS:
            np.random.seed(seed)
            results.append(pipeline({**sample}))
        return results

    return run


def check(stock: list, ours: list) -> None:
    """Same objects with bit-equal masks; images within the rounding to bytes."""
    for expected, result in zip(stock, ours, strict=True):
        if expected is None:
            assert result is None
            continue
        difference = expected['inputs'] - result['inputs'].float()
        assert difference.abs().max() <= 1
        expected = expected['data_samples'].gt_instances
        result = result['data_samples'].gt_instances
        assert expected.labels.tolist() == result.labels.tolist()
        np.testing.assert_array_equal(expected.masks.masks, result.masks.masks)
        np.testing.assert_allclose(expected.bboxes.tensor, result.bboxes.tensor)


def cases(device: str, folder: Path) -> list[Case]:
    """The one case, always on the CPU."""
    sample = write_sample(folder)
    stock, ours = pipelines('train_pipeline')
    return [
        Case(
            name=f'{len(SEEDS)} x {HEIGHT} x {WIDTH}, {INSTANCES} instances',
            stock=augment(stock, sample),
            ours=augment(ours, sample),
            check=check,
            target=3.0,
        )
    ]


class Augmented(Dataset):
    """An image, augmented otherwise at each index."""

    def __init__(self, steps: list[dict], sample: dict) -> None:
        self.pipeline = Compose(steps)
        self.sample = sample

    def __len__(self) -> int:
        return LOADED

    def __getitem__(self, index: int) -> dict:
        np.random.seed(index)
        # a crop without an object is None: the next one, as mmdet's datasets do
        while (result := self.pipeline({**self.sample})) is None:
            pass
        return result


def load(steps: list[dict], sample: dict) -> Callable[[], list]:
    """Get the masks of batches from one worker, padded, where the losses read them.

    uint8, (N, height, width) for each image.
    """
    loader = DataLoader(
        Augmented(steps, sample),
        BATCH_SIZE,
        num_workers=1,
        collate_fn=pseudo_collate,
        persistent_workers=True,  # started before the timed rounds
    )
    cfg = Config.fromfile(CONFIGS / 'oaformer_r50_d2sa.py')
    preprocessor = MODELS.build(cfg.model.data_preprocessor)

    def run() -> list:
        masks = []
        for batch in loader:
            for sample in preprocessor(batch, training=True)['data_samples']:
                masks.append(sample.gt_instances.masks.to_tensor(torch.uint8, 'cpu'))
        return masks

    return run


def check_loaded(stock: list, ours: list) -> None:
    """The same masks of all images."""
    for expected, result in zip(stock, ours, strict=True):
        assert torch.equal(expected, result)


def loader_cases(device: str, folder: Path) -> list[Case]:
    """The one case, with one worker and one process that trains, both on the CPU."""
    sample = write_sample(folder)
    stock, ours = pipelines('train_pipeline')
    return [
        Case(
            name=f'{LOADED} x {HEIGHT} x {WIDTH}, {INSTANCES} instances, one worker, '
            f'batches of {BATCH_SIZE} padded to {SIZE[0]} x {SIZE[1]}',
            stock=load(stock, sample),
            ours=load(ours, sample),
            check=check_loaded,
            images=LOADED,
        )
    ]
