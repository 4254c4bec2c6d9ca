"""Predictions of an image as the metric keeps them, and as COCO's detections.

A prediction has two vocabularies. A *result*, one per image, has MMDetection's fields:
``labels``, ``bboxes`` (x1, y1, x2, y2), ``masks``, ``visible_masks``. A *detection*,
one per instance, has COCO's: ``category_id``, ``bbox`` (x, y, width, height),
``segmentation``, ``visible_mask``. :func:`coco_detections` translates.
"""

from collections.abc import Mapping, Sequence
from pathlib import PurePath

import numpy as np
import torch

from ..datasets.findings import AnnotationError
from ..structures import as_amodal_instances, rle_areas
from .ground_truth import AmodalGroundTruth

SAME_FILE = (
    'set ann_file of the evaluator to the annotation file of the data set that was '
    'predicted'
)


class PredictionError(AnnotationError):
    """Predictions are none, or not of the images of the annotation file."""


def compact_prediction(data_sample: Mapping) -> dict:
    """Keep the evaluated parts of a predicted image.

    Args:
        data_sample: Sample with ``img_id`` and ``pred_instances`` in a form that
            :func:`~oaformer.structures.as_amodal_instances` accepts.

    Returns:
        ``img_id``, ``img_path`` where the sample has one, and the fields of the
        instances: arrays and lists of RLEs; with ``occlusion_rates_derived`` where
        there are occlusion rates.

    Raises:
        ValueError: If a field is missing, or fields differ in length.
    """
    image_id = data_sample['img_id']
    try:
        instances = as_amodal_instances(data_sample['pred_instances'])
    except ValueError as error:
        raise ValueError(f'image {image_id}: {error}') from error
    result = {
        key: value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
        for key, value in instances.all_items()
    }
    return result | {
        key: data_sample[key] for key in ('img_id', 'img_path') if key in data_sample
    }


def coco_detections(
    results: Sequence[Mapping],
    ground_truth: AmodalGroundTruth,
    category_ids: Sequence[int],
) -> list[dict]:
    """Predictions of all images as COCO annotations.

    Args:
        results: Results of :func:`compact_prediction`.
        ground_truth: The annotation file.
        category_ids: Category id of each label.

    Returns:
        Dicts with ``id`` from 1 on, ``image_id``, ``category_id``, ``bbox`` (x, y,
        width, height), ``segmentation`` (amodal RLE), ``visible_mask`` (RLE or None),
        ``area`` of the amodal mask in pixels, ``score`` and ``occlusion_rate`` (in
        [0, 1] or None).

    Raises:
        PredictionError: If predictions don't fit the annotation file, or an occlusion
            rate is not in [0, 1].
    """
    detections, seen = [], set()
    for result in results:
        image_id = result['img_id']
        if image_id in seen:
            raise PredictionError(
                f'image {image_id} was predicted twice: put together the predictions '
                'of one run only'
            )
        seen.add(image_id)
        _check_prediction(result, ground_truth, len(category_ids))
        nothing = [None] * len(result['masks'])
        # as Python's numbers, so that they can be written
        fields = zip(
            result['labels'].tolist(),
            result['scores'].tolist(),
            result['bboxes'].tolist(),
            result['masks'],
            rle_areas(result['masks']),
            result.get('visible_masks', nothing),
            np.asarray(result.get('occlusion_rates', nothing)).tolist(),
            strict=True,
        )
        for label, score, box, mask, area, visible, rate in fields:
            left, top, right, bottom = box
            detections.append(
                dict(
                    id=len(detections) + 1,
                    image_id=image_id,
                    category_id=category_ids[label],
                    bbox=[left, top, right - left, bottom - top],
                    segmentation=mask,
                    visible_mask=visible,
                    area=area,
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
    keys = ('image_id', 'category_id', 'segmentation', 'score', 'bbox')
    optional = ('occlusion_rate', 'visible_mask')
    return [
        {key: detection[key] for key in keys}
        | {key: detection[key] for key in optional if detection[key] is not None}
        for detection in detections
    ]


def _check_prediction(
    result: Mapping, ground_truth: AmodalGroundTruth, num_classes: int
) -> None:
    where, labels = f'image {result["img_id"]}', result['labels']
    image = ground_truth.images.get(result['img_id'])
    if image is None:
        raise PredictionError(
            f'{where} was predicted but is not in {ground_truth.name}: {SAME_FILE}'
        )
    path, name = result.get('img_path'), image.get('file_name')
    stems = sorted((PurePath(path or '').stem, PurePath(name or '').stem), key=len)
    # some releases of COCO prefix the names
    if not stems[1].endswith(stems[0]):
        raise PredictionError(
            f'{where} is {name} in {ground_truth.name}, but {path} was predicted: '
            f'{SAME_FILE}'
        )
    if len(labels) and labels.max() >= num_classes:
        raise PredictionError(
            f'{where}: label {labels.max()} was predicted but the data set has '
            f'{num_classes} classes: set the number of classes of the model to that'
        )
    size = [image['height'], image['width']]
    for mask in (*result['masks'], *result.get('visible_masks', ())):
        if list(mask['size']) != size:
            # pycocotools' IoU of masks of different sizes is -1
            raise PredictionError(
                f'{where}: a predicted mask is {mask["size"]} (height, width) but '
                f'{ground_truth.name} says {size}: {SAME_FILE}'
            )
    rates = result.get('occlusion_rates', np.zeros(0))
    wrong = rates[~((rates >= 0) & (rates <= 1))]
    if len(wrong):
        raise PredictionError(
            f'{where}: the predicted occlusion rate {wrong[0]} is not in [0, 1]: did '
            'the training diverge?'
        )
