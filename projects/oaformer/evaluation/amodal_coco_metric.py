"""COCO's average precision on amodal masks, and the error of the occlusion rates."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmdet.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.fileio import dump
from mmengine.logging import print_log
from terminaltables import AsciiTable

from ..structures import RLE, encode_masks, rle_areas, rle_bbox
from .functional import MaskEvaluation, evaluate_masks, mean_occlusion_rate_error
from .ground_truth import load_ground_truth


@METRICS.register_module()
class AmodalCocoMetric(BaseMetric):
    """COCO evaluation of amodal instance segmentation.

    Average precision is COCO's own (https://cocodataset.org/#detection-eval), with the
    amodal mask as the mask: IoU 0.50 to 0.95, at most 100 detections per picture for
    every number. Results:

    - ``segm_mAP``, ``segm_mAP_50``, ``segm_mAP_75``; ``segm_mAP_s``, ``_m``, ``_l`` by
      COCO's areas; ``segm_AR@1``, ``@10``, ``@100``;
    - ``occlusion_rate_mae``: mean absolute error of ``occlusion_rates`` over the
      detections that COCO matches to an object of their class at IoU 0.5;
    - ``<class>_precision`` if ``classwise``.

    What can't be measured (no such ground truth, no predicted rates, no match) is
    absent from the results and named once in the log. Only the pictures that were
    processed are evaluated.

    Args:
        ann_file: Annotation file in the schema (a COCO superset, D2SA's own keys).
        classwise: Whether to report the average precision of every class.
        proposal_nums: Detection limits per picture. Average precision uses the last.
        format_only: Whether to write the predictions without evaluating them.
        outfile_prefix: Predictions are written to ``<outfile_prefix>.segm.json`` in
            COCO's result form with an ``occlusion_rate``; not written if None.
        backend_args: Arguments of MMEngine's file backend.
        collect_device: 'cpu' or 'gpu', where results of several processes meet.
        prefix: Prefix of the results' names. Defaults to 'amodal'.
        collect_dir: Folder where results of several processes meet.

    Raises:
        ValueError: If the annotation file can't be used.
    """

    default_prefix = 'amodal'

    def __init__(
        self,
        ann_file: str,
        classwise: bool = False,
        proposal_nums: Sequence[int] = (1, 10, 100),
        format_only: bool = False,
        outfile_prefix: str | None = None,
        backend_args: dict | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        if format_only and outfile_prefix is None:
            raise ValueError('format_only=True writes a file: set outfile_prefix')
        self.ann_file = ann_file
        self.classwise = classwise
        self.proposal_nums = sorted(proposal_nums)
        self.format_only = format_only
        self.outfile_prefix = outfile_prefix
        # Read at once: a bad file is to stop a training before its first epoch.
        self.ground_truth = load_ground_truth(ann_file, backend_args)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep predictions as small run-length encodings.

        Args:
            data_batch: Not used.
            data_samples: Samples with ``img_id`` and ``pred_instances``: ``labels``,
                ``scores``, ``masks`` and perhaps ``occlusion_rates``.
        """
        for data_sample in data_samples:
            prediction = data_sample['pred_instances']
            result = dict(
                img_id=data_sample['img_id'],
                labels=_to_numpy(prediction['labels']),
                scores=_to_numpy(prediction['scores']),
                masks=_to_rles(prediction['masks']),
            )
            if 'occlusion_rates' in prediction:
                result['occlusion_rates'] = _to_numpy(prediction['occlusion_rates'])
            self.results.append(result)

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Evaluate the predictions of all pictures.

        Args:
            results: What :meth:`process` kept, of all processes.

        Returns:
            The results by name, without prefix.

        Raises:
            ValueError: If predictions don't fit the annotation file.
        """
        category_ids = self._category_ids()
        detections = self._detections(results, list(category_ids.values()))
        if self.outfile_prefix is not None:
            dump(_coco_results(detections), f'{self.outfile_prefix}.segm.json')
            print_log(f'predictions: {self.outfile_prefix}.segm.json', logger='current')
        if self.format_only:
            return {}
        images = self.ground_truth.images
        seen = {result['img_id'] for result in results}
        if len(seen) < len(images):
            print_log(
                f'{len(seen)} of the {len(images)} pictures of {self.ann_file} were '
                'processed; the others are not evaluated',
                logger='current',
            )
        objects = [
            annotation
            for annotation in self.ground_truth.annotations
            if annotation['image_id'] in seen
        ]
        evaluation = evaluate_masks(
            objects,
            detections,
            [images[image_id] for image_id in sorted(seen)],
            list(category_ids.values()),
            self.proposal_nums,
        )
        metrics = _precision_and_recall(evaluation)
        metrics['occlusion_rate_mae'] = None
        has_rates = all('occlusion_rates' in result for result in results)
        if has_rates:
            metrics['occlusion_rate_mae'] = mean_occlusion_rate_error(
                evaluation.matches,
                {item['id']: item['occlusion_rate'] for item in detections},
                {item['id']: item['occlusion_rate'] for item in objects},
            )
        self._log(metrics, evaluation, len(objects), has_rates)
        if self.classwise:
            metrics |= _classwise(evaluation, category_ids)
        return {name: value for name, value in metrics.items() if value is not None}

    def _category_ids(self) -> dict[str, int]:
        """Category id by class name, in the order of the labels."""
        ids = self.ground_truth.category_ids
        classes = (self.dataset_meta or {}).get('classes') or tuple(ids)
        absent = [name for name in classes if name not in ids]
        if absent:
            raise ValueError(
                f'{self.ann_file}: classes {absent} of the data set are not among its '
                f'categories {sorted(ids)[:10]}...'
            )
        return {name: ids[name] for name in classes}

    def _detections(
        self, results: Sequence[dict], category_ids: Sequence[int]
    ) -> list[dict]:
        """Predictions as COCO annotations with ids from 1 on."""
        detections = []
        for result in results:
            image = self.ground_truth.images.get(result['img_id'])
            if image is None:
                raise ValueError(
                    f'image {result["img_id"]} was predicted but is not in '
                    f'{self.ann_file}: do data set and metric use the same file?'
                )
            if len(result['labels']) and result['labels'].max() >= len(category_ids):
                raise ValueError(
                    f'image {image["id"]}: label {result["labels"].max()} was '
                    f'predicted but the data set has {len(category_ids)} classes: set '
                    'num_classes of the model to that'
                )
            size = [image['height'], image['width']]
            rates = result.get('occlusion_rates', [None] * len(result['masks']))
            labels, scores = result['labels'].tolist(), result['scores'].tolist()
            areas = rle_areas(result['masks'])
            fields = (labels, scores, result['masks'], areas, rates)
            for label, score, mask, area, rate in zip(*fields, strict=True):
                if list(mask['size']) != size:
                    # COCO's IoU would call every pair of such masks unmatched.
                    raise ValueError(
                        f'image {image["id"]}: a predicted mask is {mask["size"]} '
                        f'(height, width) but {self.ann_file} says {size}'
                    )
                detections.append(
                    dict(
                        id=len(detections) + 1,
                        image_id=image['id'],
                        category_id=category_ids[label],
                        segmentation=mask,
                        area=area,
                        iscrowd=0,
                        score=score,
                        occlusion_rate=None if rate is None else float(rate),
                    )
                )
        return detections

    def _log(
        self,
        metrics: dict[str, float | None],
        evaluation: MaskEvaluation,
        num_objects: int,
        has_rates: bool,
    ) -> None:
        """Tell all results in a table, and what is absent and why."""
        rows = [
            [name, '-' if value is None else f'{value:.4f}']
            for name, value in metrics.items()
        ]
        table = AsciiTable([['amodal', 'value'], *rows]).table
        matched = f'{len(evaluation.matches)} of {num_objects} objects'
        text = f'{evaluation.engine}: {matched} matched at IoU 0.5'
        absent = [name for name, value in metrics.items() if value is None]
        if 'occlusion_rate_mae' in absent:
            reason = 'no match' if has_rates else 'no predicted occlusion rates'
            text += f'; occlusion_rate_mae not measured: {reason}'
            absent.remove('occlusion_rate_mae')
        if absent:
            text += f'; not measured for want of ground truth: {", ".join(absent)}'
        print_log(f'\n{table}\n{text}', logger='current')


def _precision_and_recall(evaluation: MaskEvaluation) -> dict[str, float | None]:
    """COCO's summary by MMDetection's names, None where not measurable."""
    average_precision = evaluation.average_precision
    metrics = dict(
        segm_mAP=average_precision(),
        segm_mAP_50=average_precision(iou_thr=0.5),
        segm_mAP_75=average_precision(iou_thr=0.75),
        segm_mAP_s=average_precision(area='small'),
        segm_mAP_m=average_precision(area='medium'),
        segm_mAP_l=average_precision(area='large'),
    )
    for number in evaluation.max_dets:
        metrics[f'segm_AR@{number}'] = evaluation.average_recall(number)
    return metrics


def _classwise(
    evaluation: MaskEvaluation, category_ids: dict[str, int]
) -> dict[str, float | None]:
    """Log a table of the classes; returns ``<class>_precision``."""
    rows, metrics = [], {}
    for name, category_id in category_ids.items():
        values = [
            evaluation.average_precision(iou_thr, category_id=category_id)
            for iou_thr in (None, 0.5, 0.75)
        ]
        metrics[f'{name}_precision'] = values[0]
        rows.append([name, *('-' if v is None else f'{v:.4f}' for v in values)])
    header = ['class', 'segm_mAP', 'segm_mAP_50', 'segm_mAP_75']
    print_log(f'\n{AsciiTable([header, *rows]).table}', logger='current')
    return metrics


def _coco_results(detections: Sequence[dict]) -> list[dict]:
    """Detections in COCO's result form."""
    results = []
    for detection in detections:
        result = {
            key: detection[key]
            for key in ('image_id', 'category_id', 'segmentation', 'score')
        }
        result['bbox'] = rle_bbox(detection['segmentation'])
        if detection['occlusion_rate'] is not None:
            result['occlusion_rate'] = detection['occlusion_rate']
        results.append(result)
    return results


def _to_numpy(values: torch.Tensor | np.ndarray) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().numpy()
    return np.asarray(values)


def _to_rles(masks: torch.Tensor | np.ndarray | Sequence[RLE]) -> list[RLE]:
    if isinstance(masks, (torch.Tensor, np.ndarray)):
        return encode_masks(_to_numpy(masks))
    # pycocotools gives bytes, which JSON can't hold.
    return [
        mask | dict(counts=mask['counts'].decode())
        if isinstance(mask['counts'], bytes)
        else mask
        for mask in masks
    ]
