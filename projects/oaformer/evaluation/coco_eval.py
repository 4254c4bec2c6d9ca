"""COCO's overlaps, matching and accumulation.

The engine is faster-coco-eval if installed, or pycocotools. Both get the same sizes and
overlaps, so neither reads a mask or a box. COCO ignores an object whose size lies
outside a range, and an unmatched detection outside it as well. A size is the area in
pixels or any other number; NaN lies inside every range.
"""

import contextlib
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pycocotools.mask as mask_util
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

try:
    # An installed but broken one is an error, not a reason to be slow.
    import faster_coco_eval
except ModuleNotFoundError:
    faster_coco_eval = None

ENGINES = dict(pycocotools=(COCOeval, COCO))
if faster_coco_eval is not None:
    ENGINES['faster-coco-eval'] = (
        faster_coco_eval.COCOeval_faster,
        faster_coco_eval.COCO,
    )
BEST_ENGINE = list(ENGINES)[-1]

MATCH_IOU = 0.5
"""Smallest IoU at which a detection matches an object."""

IousByKey = Mapping[tuple[int, int], np.ndarray]

FIELDS = ('id', 'image_id', 'category_id', 'iscrowd', 'score')


class CocoMatches(NamedTuple):
    """Result of :func:`match_masks`.

    Attributes:
        pairs: Ids (detection, ground truth) of the matches, int64 of shape (M, 2).
        ious: IoU of each match, shape (M,).
        false_positives: Ids of the unmatched detections, without those on a crowd.
        missed: Ids of the unmatched objects, without crowds.
    """

    pairs: np.ndarray
    ious: np.ndarray
    false_positives: tuple[int, ...]
    missed: tuple[int, ...]


def by_image_and_category(
    annotations: Sequence[Mapping],
) -> dict[tuple[int, int], list[Mapping]]:
    """Annotations by image and category id."""
    groups = defaultdict(list)
    for annotation in annotations:
        groups[annotation['image_id'], annotation['category_id']].append(annotation)
    return dict(groups)


def by_score(detections: Sequence[Mapping]) -> list[Mapping]:
    """Detections by descending score, those with equal scores in their order."""
    return sorted(detections, key=lambda detection: -detection['score'])


def overlaps(
    ground_truth: Sequence[Mapping],
    detections: Sequence[Mapping],
    max_dets: int,
    field: str = 'segmentation',
) -> dict[tuple[int, int], np.ndarray]:
    """IoUs of all detections with all objects of their image and category.

    Args:
        ground_truth: Dicts with ``image_id``, ``category_id``, ``iscrowd`` and the
            field.
        detections: Dicts with ``image_id``, ``category_id``, ``score`` and the field.
        max_dets: Largest detection limit per image and category.
        field: 'segmentation' for masks (RLE) or 'bbox' for boxes (x, y, width, height
            in pixels).

    Returns:
        IoUs by image and category id, shape (D, G): the detections within the limit by
        descending score, the objects in their own order; with a crowd, COCO's share of
        the detection. Images and categories without either are left out.
    """
    objects_of = by_image_and_category(ground_truth)
    detections_of = by_image_and_category(detections)
    # pycocotools looks at every box of a list
    collect = np.array if field == 'bbox' else list
    return {
        key: mask_util.iou(
            collect([item[field] for item in by_score(detections_of[key])[:max_dets]]),
            collect([item[field] for item in objects]),
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
) -> CocoMatches:
    """COCO's greedy matching at ``MATCH_IOU`` (https://cocodataset.org/#detection-eval).

    The detections of an image and category choose in the order of their scores, each
    the object that it overlaps most among those still free; crowds take any number of
    those that found none.

    Args:
        ground_truth: Objects as in :func:`overlaps`, with ``id``.
        detections: Detections as there, with ``id``.
        ious: Their overlaps from :func:`overlaps`.
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
    return CocoMatches(
        pairs=np.array(pairs, dtype=np.int64).reshape(-1, 2),
        ious=np.array(overlaps, dtype=np.float64),
        false_positives=tuple(false_positives),
        missed=tuple(
            item['id']
            for item in ground_truth
            if not item['iscrowd'] and item['id'] not in found
        ),
    )


def run_coco_eval(
    ground_truth: Sequence[Mapping],
    detections: Sequence[Mapping],
    images: Sequence[Mapping],
    category_ids: Sequence[int],
    ious: IousByKey,
    *,
    sizes: tuple[Sequence[float], Sequence[float]],
    ranges: Mapping[str, tuple[float, float]],
    max_dets: Sequence[int],
    engine: str | None = None,
) -> COCOeval:
    """Run an engine as :func:`~.average_precision.evaluate_coco` says.

    The engine is the best one unless it is named.

    Returns:
        The engine after ``accumulate``, with COCO's ``params`` and ``eval``.
    """
    eval_type, coco_type = ENGINES[engine or BEST_ENGINE]

    class Engine(eval_type):
        def computeIoU(self, image_id: int, category_id: int) -> np.ndarray:
            return ious.get((image_id, category_id), np.zeros((0, 0)))

    def indexed(annotations: Sequence[Mapping], sizes: Sequence[float]) -> COCO:
        coco = coco_type()
        coco.dataset = dict(
            images=[dict(image) for image in images],
            # copies, because the engines write into them
            annotations=[
                {key: annotation[key] for key in FIELDS if key in annotation}
                | {'area': float(size)}
                for annotation, size in zip(annotations, sizes, strict=True)
            ],
            categories=[dict(id=category_id) for category_id in category_ids],
        )
        coco.createIndex()
        return coco

    # pycocotools reports its progress on stdout
    with contextlib.redirect_stdout(io.StringIO()):
        # 'bbox', or the engines would prepare the masks
        run = Engine(
            indexed(ground_truth, sizes[0]), indexed(detections, sizes[1]), 'bbox'
        )
        run.params.imgIds = [image['id'] for image in images]
        run.params.catIds = list(category_ids)
        run.params.maxDets = list(max_dets)
        run.params.areaRng = [list(limits) for limits in ranges.values()]
        run.params.areaRngLbl = list(ranges)
        run.evaluate()
        run.accumulate()
    return run
