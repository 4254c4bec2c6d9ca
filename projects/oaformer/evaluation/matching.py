"""Overlaps of masks, and COCO's matching at one of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pycocotools.mask as mask_util

MATCH_IOU = 0.5
"""IoU from which on a detection is said to have found an object."""

IousByKey = Mapping[tuple[int, int], np.ndarray]


class Matches(NamedTuple):
    """Result of :func:`match_masks`.

    Attributes:
        pairs: Ids (detection, ground truth) of the matches, int64 of shape (M, 2).
        ious: IoU of each match, shape (M,).
        false_positives: Ids of the detections that found nothing; those on a crowd
            are left out.
        missed: Ids of the objects that were not found; crowds are left out.
    """

    pairs: np.ndarray
    ious: np.ndarray
    false_positives: tuple[int, ...]
    missed: tuple[int, ...]


def by_image_and_category(
    annotations: Sequence[Mapping],
) -> dict[tuple[int, int], list[Mapping]]:
    """Annotations by image and category id, in their order."""
    groups = defaultdict(list)
    for annotation in annotations:
        groups[annotation['image_id'], annotation['category_id']].append(annotation)
    return dict(groups)


def by_score(detections: Sequence[Mapping]) -> list[Mapping]:
    """Detections by descending score, those with equal scores in their order."""
    return sorted(detections, key=lambda detection: -detection['score'])


def mask_ious(
    ground_truth: Sequence[Mapping], detections: Sequence[Mapping], max_dets: int
) -> dict[tuple[int, int], np.ndarray]:
    """IoUs of all detections with all objects of their image and category.

    Args:
        ground_truth: Objects as in :func:`~.functional.evaluate_masks`.
        detections: Detections as there.
        max_dets: Largest detection limit per image and category.

    Returns:
        IoUs by image and category id, shape (D, G): the detections within the limit by
        descending score, the objects in their own order; with a crowd, COCO's share of
        the detection. Images and categories without either are left out.
    """
    objects_of = by_image_and_category(ground_truth)
    detections_of = by_image_and_category(detections)
    return {
        key: mask_util.iou(
            [item['segmentation'] for item in by_score(detections_of[key])[:max_dets]],
            [item['segmentation'] for item in objects],
            [item['iscrowd'] for item in objects],
        )
        for key, objects in objects_of.items()
        if key in detections_of
    }


def match_masks(
    ground_truth: Sequence[Mapping],
    detections: Sequence[Mapping],
    ious: IousByKey,
    max_dets: int,
) -> Matches:
    """COCO's greedy matching at ``MATCH_IOU`` (https://cocodataset.org/#detection-eval).

    The detections of an image and category choose in the order of their scores, each
    the object that it overlaps most among those still free; crowds take any number of
    those that found none.

    Args:
        ground_truth: Objects as in :func:`~.functional.evaluate_masks`.
        detections: Detections as there.
        ious: What :func:`mask_ious` makes of these two and ``max_dets``.
        max_dets: Detection limit per image and category.

    Returns:
        The matches, in the order of the detections' images, categories and scores.
    """
    objects_of = by_image_and_category(ground_truth)
    pairs, overlaps, false_positives = [], [], []
    for key, group in by_image_and_category(detections).items():
        ranked = by_score(group)[:max_dets]
        if key not in ious:
            false_positives += [item['id'] for item in ranked]
            continue
        objects = objects_of[key]
        crowd = np.array([bool(item['iscrowd']) for item in objects])
        free = np.where(crowd | (ious[key] < MATCH_IOU), -1, ious[key])
        unmatched = (ious[key][:, crowd] < MATCH_IOU).all(axis=1)
        for row in np.flatnonzero(free.max(axis=1) >= 0).tolist():
            # of equal overlaps COCO takes the last
            best = len(objects) - 1 - int(free[row, ::-1].argmax())
            if free[row, best] >= 0:
                pairs.append((ranked[row]['id'], objects[best]['id']))
                overlaps.append(free[row, best])
                free[:, best] = -1
                unmatched[row] = False
        false_positives += [ranked[row]['id'] for row in np.flatnonzero(unmatched)]
    found = {object_id for _, object_id in pairs}
    return Matches(
        pairs=np.array(pairs, dtype=np.int64).reshape(-1, 2),
        ious=np.array(overlaps, dtype=np.float64),
        false_positives=tuple(false_positives),
        missed=tuple(
            item['id']
            for item in ground_truth
            if not item['iscrowd'] and item['id'] not in found
        ),
    )
