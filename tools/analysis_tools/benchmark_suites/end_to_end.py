"""From the image on disk to the metric."""

from collections.abc import Callable
from pathlib import Path

import torch
from mmdet.evaluation import CocoMetric
from mmengine.dataset import Compose, pseudo_collate
from mmengine.evaluator import BaseMetric
from torch import nn

from oaformer.evaluation import AmodalCocoMetric

from .data import HEIGHT, WIDTH, write_sample
from .evaluation import check_statistics, write_annotations
from .measure import Case
from .models import CLASSES, model_pair, pipelines


def cases(device: str, folder: Path) -> list[Case]:
    """One image of D2SA's size through R50 with 100 queries."""
    sample = write_sample(folder) | dict(img_id=1)
    objects = [(each['mask'], each['bbox_label']) for each in sample['instances']]
    ann_file = write_annotations(folder, [objects])
    stock = CocoMetric(ann_file, metric='segm', proposal_nums=(1, 10, 100))

    def run(
        model: nn.Module, steps: list[dict], metric: BaseMetric
    ) -> Callable[[], dict]:
        pipeline = Compose(steps)
        metric.dataset_meta = dict(classes=CLASSES)
        model.eval()

        @torch.no_grad()
        def test() -> dict:
            metric.results.clear()
            batch = pseudo_collate([pipeline({**sample})])
            outputs = model.test_step(batch)
            metric.process(batch, [output.to_dict() for output in outputs])
            return metric.compute_metrics(metric.results)

        return test

    runs = map(
        run,
        model_pair(100, device),
        pipelines('test_pipeline'),
        (stock, AmodalCocoMetric(ann_file)),
    )
    return [
        Case(
            f'test of one {HEIGHT} x {WIDTH} image, R50, Q = 100',
            *runs,
            check=check_statistics,
        )
    ]
