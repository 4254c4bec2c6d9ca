"""Completion of given objects: mean IoU per object, whole and hidden part."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmdet.registry import METRICS
from mmengine.evaluator import BaseMetric

from ..structures import (
    RLE,
    AmodalMasks,
    encode_masks,
    intersection_areas,
    rle_areas,
    rle_difference,
)


@METRICS.register_module()
class CompletionMetric(BaseMetric):
    """How well objects are completed that are given by visible mask or box.

    The protocol of C2F-Seg (Gao et al., ICCV 2023): every annotated object is given,
    and counts as much as any other, whatever its image or class. For a model whose
    ``test_cfg.complete`` is set; its predictions are in the order of the annotations.

    ``mIoU_full`` is the mean over all objects of the IoU of predicted and annotated
    amodal mask; ``mIoU_occluded`` that of their parts outside the annotated visible
    mask, over the objects that have such a part. ``occlusion_rate_mae`` is the mean
    error of the occlusion rates, ``class_accuracy`` the share of right classes.
    """

    default_prefix = 'completion'

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Measure the objects of a batch.

        Args:
            data_batch: Not used.
            data_samples: Samples as dicts, with ``pred_instances`` and
                ``gt_instances``, whose masks have the original image's size.

        Raises:
            ValueError: If predictions and annotations are not those of the same
                objects at the same size.
        """
        for sample in data_samples:
            predicted, truth = sample['pred_instances'], sample['gt_instances']
            carrier = truth.get('masks')
            name = sample.get('img_path')
            if not isinstance(carrier, AmodalMasks):
                raise ValueError(f'{name}: gt_instances has no amodal masks')
            size = tuple(sample['ori_shape'][:2])
            if (carrier.height, carrier.width) != size:
                raise ValueError(
                    f'{name}: the annotations were resized to {carrier.height} x '
                    f'{carrier.width} pixels, predictions have {size[0]} x {size[1]}. '
                    'Put LoadAmodalAnnotations behind Resize in the test pipeline.'
                )
            if len(predicted['masks']) != len(carrier):
                raise ValueError(
                    f'{name}: {len(predicted["masks"])} predictions, {len(carrier)} '
                    'annotated objects. Is model.test_cfg.complete set?'
                )
            full, occluded = completion_ious(
                predicted['masks'],
                encode_masks(carrier.masks),
                encode_masks(carrier.visible),
            )
            result = dict(full=full, occluded=occluded)
            if 'occlusion_rates' in predicted:
                rates = predicted['occlusion_rates'].cpu().numpy()
                result['rate_error'] = np.abs(rates - carrier.occlusion_rates)
            labels, expected = predicted['labels'].cpu(), truth['labels'].cpu()
            result['correct'] = (labels == expected).numpy()
            self.results.append(result)

    def compute_metrics(self, results: list) -> dict[str, Any]:
        """The means over all objects; without objects there is nothing to report."""
        metrics = {}
        for name, key in (
            ('mIoU_full', 'full'),
            ('mIoU_occluded', 'occluded'),
            ('occlusion_rate_mae', 'rate_error'),
            ('class_accuracy', 'correct'),
        ):
            values = [result[key] for result in results if key in result]
            values = np.concatenate(values) if values else np.zeros(0)
            values = values[~np.isnan(values.astype(float))]
            if len(values):
                metrics[name] = float(values.mean())
        # MMEngine writes no whole numbers
        metrics['num_objects'] = float(sum(len(result['full']) for result in results))
        return metrics


def completion_ious(
    predicted: Sequence[RLE], amodal: Sequence[RLE], visible: Sequence[RLE]
) -> tuple[np.ndarray, np.ndarray]:
    """IoU of each object, whole and hidden part.

    Args:
        predicted: Predicted amodal masks, N.
        amodal: Annotated amodal masks, N.
        visible: Annotated visible masks, N.

    Returns:
        IoU of the whole masks, and of what is outside the visible masks, (N,) each;
        NaN where nothing of the object is hidden.
    """
    hidden = [rle_difference(*pair) for pair in zip(amodal, visible, strict=True)]
    added = [rle_difference(*pair) for pair in zip(predicted, visible, strict=True)]
    return _ious(predicted, amodal), _ious(added, hidden)


def _ious(predicted: Sequence[RLE], truth: Sequence[RLE]) -> np.ndarray:
    common = intersection_areas(predicted, truth)
    areas = np.array(rle_areas(truth), dtype=np.float64)
    union = np.array(rle_areas(predicted)) + areas - common
    return np.where(areas > 0, common / np.maximum(union, 1), np.nan)
