"""Predictions as the metric keeps them, and as COCO's lists of detections."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from ..structures import RLE, encode_masks, rle_areas, rle_bbox
from .ground_truth import AmodalGroundTruth


def compact_prediction(data_sample: Mapping) -> dict:
    """Keep of a predicted image what is evaluated, with small masks.

    Args:
        data_sample: Sample with ``img_id`` and ``pred_instances``: ``labels``,
            ``scores``, ``masks`` and perhaps ``visible_masks`` and
            ``occlusion_rates``. Masks are RLEs or bitmaps of shape (n, H, W).

    Returns:
        These by the same names, in one dict; arrays, and lists of RLEs.
    """
    prediction = data_sample['pred_instances']
    result = dict(
        img_id=data_sample['img_id'],
        labels=_to_numpy(prediction['labels']),
        scores=_to_numpy(prediction['scores']),
        masks=_to_rles(prediction['masks']),
    )
    if 'visible_masks' in prediction:
        result['visible_masks'] = _to_rles(prediction['visible_masks'])
    if 'occlusion_rates' in prediction:
        result['occlusion_rates'] = _to_numpy(prediction['occlusion_rates'])
    return result


def coco_detections(
    results: Sequence[Mapping],
    ground_truth: AmodalGroundTruth,
    category_ids: Sequence[int],
) -> list[dict]:
    """Predictions of all images as COCO annotations.

    Args:
        results: What :func:`compact_prediction` keeps, one dict per image.
        ground_truth: The annotation file.
        category_ids: Category id of each label.

    Returns:
        Dicts with ``id`` from 1 on, ``image_id``, ``index`` (the place among the
        image's predictions), ``category_id``, ``segmentation`` (amodal RLE),
        ``visible_mask`` (RLE or None), ``area`` in pixels, ``iscrowd``, ``score`` and
        ``occlusion_rate`` (in [0, 1] or None).

    Raises:
        ValueError: If predictions don't fit the annotation file, or a rate is no rate.
    """
    detections, seen = [], set()
    for result in results:
        image = ground_truth.images.get(result['img_id'])
        if image is None:
            raise ValueError(
                f'image {result["img_id"]} was predicted but is not in '
                f'{ground_truth.name}: do data set and metric use the same file?'
            )
        if image['id'] in seen:
            raise ValueError(
                f'image {image["id"]} was predicted twice: put together the '
                'predictions of one run only'
            )
        seen.add(image['id'])
        _check_prediction(result, image, ground_truth.name, len(category_ids))
        nothing = [None] * len(result['masks'])
        fields = zip(
            result['labels'].tolist(),
            result['scores'].tolist(),
            result['masks'],
            rle_areas(result['masks']),
            result.get('visible_masks', nothing),
            # as Python's numbers, so that they can be written
            np.asarray(result.get('occlusion_rates', nothing)).tolist(),
            strict=True,
        )
        for index, (label, score, mask, area, visible, rate) in enumerate(fields):
            detections.append(
                dict(
                    id=len(detections) + 1,
                    image_id=image['id'],
                    index=index,
                    category_id=category_ids[label],
                    segmentation=mask,
                    visible_mask=visible,
                    area=area,
                    iscrowd=0,
                    score=score,
                    occlusion_rate=rate,
                )
            )
    return detections


def coco_results(detections: Sequence[Mapping]) -> list[dict]:
    """Detections in COCO's result form, with what this project adds.

    Args:
        detections: Result of :func:`coco_detections`.

    Returns:
        Dicts with ``image_id``, ``category_id``, ``segmentation``, ``score``, ``bbox``
        and, where predicted, ``occlusion_rate`` and ``visible_mask``.
    """
    results = []
    for detection in detections:
        result = {
            key: detection[key]
            for key in ('image_id', 'category_id', 'segmentation', 'score')
        }
        result['bbox'] = rle_bbox(detection['segmentation'])
        for key in ('occlusion_rate', 'visible_mask'):
            if detection[key] is not None:
                result[key] = detection[key]
        results.append(result)
    return results


def _check_prediction(
    result: Mapping, image: Mapping, file: str, num_classes: int
) -> None:
    labels = result['labels']
    if len(labels) and labels.max() >= num_classes:
        raise ValueError(
            f'image {image["id"]}: label {labels.max()} was predicted but the data set '
            f'has {num_classes} classes: set num_classes of the model to that'
        )
    size = [image['height'], image['width']]
    for mask in (*result['masks'], *result.get('visible_masks', ())):
        if list(mask['size']) != size:
            # COCO's IoU would call every pair of such masks unmatched.
            raise ValueError(
                f'image {image["id"]}: a predicted mask is {mask["size"]} '
                f'(height, width) but {file} says {size}'
            )
    rates = result.get('occlusion_rates', np.zeros(0))
    wrong = rates[~((rates >= 0) & (rates <= 1))]
    if len(wrong):
        raise ValueError(
            f'image {image["id"]}: the predicted occlusion rate {wrong[0]} is not in '
            '[0, 1]: did the training diverge?'
        )


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
