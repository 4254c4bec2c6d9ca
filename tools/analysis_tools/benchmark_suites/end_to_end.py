"""From the image on disk to the metric."""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from mmcv.transforms import Compose
from mmdet.evaluation import CocoMetric
from mmdet.registry import TRANSFORMS
from mmengine.dataset import pseudo_collate
from torch import nn

from oaformer.evaluation import AmodalCocoMetric

from .data import HEIGHT, WIDTH, write_sample
from .evaluation import check_statistics, quiet
from .measure import Case
from .models import NUM_CLASSES, model_pair

META_KEYS = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')
STOCK_STEPS = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(type='Resize', scale=(1333, 800), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='PackDetInputs', meta_keys=META_KEYS),
]
OUR_STEPS = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(1333, 800), keep_ratio=True),
    dict(type='LoadAmodalAnnotations'),
    dict(type='PackAmodalInputs', meta_keys=META_KEYS),
]


def cases(device: str, folder: Path) -> list[Case]:
    """One image of D2SA's size through R50 with 100 queries."""
    sample = write_sample(folder) | dict(img_id=1)
    ann_file = str(folder / 'annotations.json')
    write_annotations(ann_file, sample)
    stock, ours = model_pair(100, device)

    def run(model: nn.Module, steps: list[dict], metric: object) -> Callable:
        pipeline = Compose([TRANSFORMS.build(step) for step in steps])
        metric.dataset_meta = dict(
            classes=tuple(f'class{index}' for index in range(NUM_CLASSES))
        )
        model.eval()

        @torch.no_grad()
        def test() -> dict:
            metric.results.clear()
            batch = pseudo_collate([pipeline({**sample})])
            outputs = model.test_step(batch)
            metric.process(batch, [output.to_dict() for output in outputs])
            return metric.compute_metrics(metric.results)

        return quiet(test)

    return [
        Case(
            suite='end-to-end',
            name=f'test of one {HEIGHT} x {WIDTH} image, R50, Q = 100',
            stock=run(
                stock,
                STOCK_STEPS,
                CocoMetric(ann_file, metric='segm', proposal_nums=(1, 10, 100)),
            ),
            ours=run(ours, OUR_STEPS, AmodalCocoMetric(ann_file)),
            check=check_statistics,
        )
    ]


def write_annotations(path: str, sample: dict) -> None:
    """The ground truth of the image as a file."""
    annotations = []
    for index, instance in enumerate(sample['instances'], start=1):
        x1, y1, x2, y2 = instance['bbox']
        annotations.append(
            dict(
                id=index,
                image_id=1,
                category_id=instance['bbox_label'] + 1,
                segmentation=instance['mask'],
                bbox=[x1, y1, x2 - x1, y2 - y1],
                area=(x2 - x1) * (y2 - y1),
                iscrowd=0,
            )
        )
    image = dict(id=1, file_name='image.jpg', height=HEIGHT, width=WIDTH)
    categories = [
        dict(id=index + 1, name=f'class{index}') for index in range(NUM_CLASSES)
    ]
    content = dict(images=[image], annotations=annotations, categories=categories)
    Path(path).write_text(json.dumps(content))
