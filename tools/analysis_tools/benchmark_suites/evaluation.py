"""Encoding of masks and COCO's statistics."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from mmdet.evaluation import CocoMetric
from mmdet.structures.mask import encode_mask_results
from mmengine.evaluator import BaseMetric

from oaformer.evaluation import AmodalCocoMetric
from oaformer.structures import encode_masks, rle_area, rle_bbox

from .data import HEIGHT, INSTANCES, WIDTH, groceries
from .measure import Case
from .models import CLASSES, NUM_CLASSES

IMAGES, DETECTIONS = 400, 100


def encode_cases(device: str, folder: Path) -> list[Case]:
    """100 masks of D2SA's size; always on the CPU."""
    masks = groceries(np.random.default_rng(0), 100).astype(bool)

    def check(stock: list, ours: list) -> None:
        assert [rle['counts'].decode() for rle in stock] == [
            rle['counts'] for rle in ours
        ]

    return [
        Case(
            name=f'100 masks of {HEIGHT} x {WIDTH}',
            stock=lambda: encode_mask_results(masks),
            ours=lambda: encode_masks(masks),
            check=check,
        )
    ]


def evaluate_cases(device: str, folder: Path) -> list[Case]:
    """40,000 detections; always on the CPU."""
    ann_file, samples = detections(folder)

    def run(metric: BaseMetric) -> Callable[[], dict]:
        metric.dataset_meta = dict(classes=CLASSES)
        metric.process({}, samples)
        results = list(metric.results)
        return lambda: metric.compute_metrics(results)

    stock = CocoMetric(ann_file, metric=['bbox', 'segm'], proposal_nums=(1, 10, 100))
    return [
        Case(
            name=f'{IMAGES * DETECTIONS} detections on {IMAGES} images',
            stock=run(stock),
            ours=run(AmodalCocoMetric(ann_file)),
            check=check_statistics,
            target=4.0,
        )
    ]


def check_statistics(stock: dict, ours: dict) -> None:
    """Identical; CocoMetric rounds, and gives -1 or nan where nothing is measurable."""
    for key, value in stock.items():
        if key in ours:
            assert round(ours[key], 3) == float(value), key
        else:
            assert not value >= 0, key


def detections(folder: Path) -> tuple[str, list[dict]]:
    """Ground truth on disk and detections that move it a little."""
    rng = np.random.default_rng(0)
    # masks are drawn once and shared: the evaluation sees no difference
    pool = encode_masks(groceries(rng, 60))
    boxes = torch.tensor([rle_bbox(mask) for mask in pool])
    boxes[:, 2:] += boxes[:, :2]
    images, samples = [], []
    for image_id in range(1, IMAGES + 1):
        shown = rng.integers(0, len(pool), INSTANCES)
        labels = rng.integers(0, NUM_CLASSES, INSTANCES)
        masks = [pool[index] for index in shown]
        images.append(list(zip(masks, labels.tolist(), strict=True)))
        found = rng.integers(0, INSTANCES, DETECTIONS)
        wrong = rng.random(DETECTIONS) < 0.5
        masks = np.where(wrong, rng.integers(0, len(pool), DETECTIONS), shown[found])
        samples.append(
            dict(
                img_id=image_id,
                ori_shape=(HEIGHT, WIDTH),
                pred_instances=dict(
                    bboxes=boxes[masks],
                    labels=torch.from_numpy(labels[found]),
                    scores=torch.from_numpy(rng.random(DETECTIONS)),
                    masks=[pool[index] for index in masks],
                ),
            )
        )
    return write_annotations(folder, images), samples


def write_annotations(folder: Path, images: list[list[tuple[dict, int]]]) -> str:
    """Write RLEs and labels of images, ids from 1 on; returns the file's path."""
    annotations = []
    for image_id, objects in enumerate(images, start=1):
        for mask, label in objects:
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=image_id,
                    category_id=label + 1,
                    segmentation=mask,
                    area=rle_area(mask),
                    bbox=rle_bbox(mask),
                    iscrowd=0,
                )
            )
    content = dict(
        images=[
            dict(id=image_id, file_name=f'{image_id}.jpg', height=HEIGHT, width=WIDTH)
            for image_id in range(1, len(images) + 1)
        ],
        annotations=annotations,
        categories=[dict(id=i, name=name) for i, name in enumerate(CLASSES, start=1)],
    )
    path = folder / 'annotations.json'
    path.write_text(json.dumps(content))
    return str(path)
