"""COCO evaluation of masks and of occlusion rates as pure functions.

Ground truth and detections are lists of plain dicts in COCO's annotation form, with
masks as RLE; nothing goes through files.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .engine import (
    BEST_ENGINE,
    ENGINES,
    EngineResult,
    by_image_and_category,
    by_score,
)

MATCH_IOU = 0.5


class MaskEvaluation(NamedTuple):
    """Result of :func:`evaluate_masks`.

    Attributes:
        precision: Interpolated precision, shape (IoU thresholds, recall points,
            categories, areas, detection limits); -1 where there is no ground truth.
        recall: Largest recall, shape (IoU thresholds, categories, areas, detection
            limits); -1 where there is no ground truth.
        iou_thrs: The IoU thresholds.
        areas: Names of the areas, 'all' first.
        max_dets: The detection limits per picture, in ascending order.
        category_ids: Ids of the categories.
        matches: Ids (detection, ground truth) matched at IoU 0.5 over all areas with
            the largest detection limit; crowds are left out. Shape (M, 2).
        engine: Name of the engine that was used.
    """

    precision: np.ndarray
    recall: np.ndarray
    iou_thrs: np.ndarray
    areas: tuple[str, ...]
    max_dets: tuple[int, ...]
    category_ids: tuple[int, ...]
    matches: np.ndarray
    engine: str

    def average_precision(
        self,
        iou_thr: float | None = None,
        area: str = 'all',
        category_id: int | None = None,
    ) -> float | None:
        """Mean of the precision at the largest detection limit.

        Args:
            iou_thr: IoU threshold; the mean over all where None.
            area: 'all', 'small', 'medium' or 'large'.
            category_id: Category; the mean over those with ground truth where None.

        Returns:
            Average precision in [0, 1], None where there is no ground truth.
        """
        values = self.precision[..., self.areas.index(area), -1]
        if iou_thr is not None:
            values = values[np.isclose(self.iou_thrs, iou_thr)]
        if category_id is not None:
            values = values[..., self.category_ids.index(category_id)]
        return _mean(values)

    def average_recall(self, max_dets: int) -> float | None:
        """Mean over IoU thresholds and categories of the largest recall.

        Args:
            max_dets: Detection limit per picture, one of :attr:`max_dets`.

        Returns:
            Average recall in [0, 1], None where there is no ground truth.
        """
        return _mean(self.recall[:, :, 0, self.max_dets.index(max_dets)])


def _mean(values: np.ndarray) -> float | None:
    values = values[values > -1]
    return float(values.mean()) if values.size else None


def evaluate_masks(
    ground_truth: Sequence[Mapping],
    detections: Sequence[Mapping],
    images: Sequence[Mapping],
    category_ids: Sequence[int],
    max_dets: Sequence[int] = (1, 10, 100),
    engine: str = BEST_ENGINE,
) -> MaskEvaluation:
    """Evaluate masks by COCO's definition (https://cocodataset.org/#detection-eval).

    Args:
        ground_truth: Dicts with ``id``, ``image_id``, ``category_id``,
            ``segmentation`` (RLE), ``area`` in pixels and ``iscrowd``.
        detections: Dicts with ``id``, ``image_id``, ``category_id``,
            ``segmentation`` (RLE), ``area`` in pixels and ``score``.
        images: The pictures to evaluate, dicts with ``id``, ``height``, ``width``.
        category_ids: The categories to evaluate.
        max_dets: Detection limits per picture and category.
        engine: One of ``ENGINES``; the numbers are the same, the time is not.

    Returns:
        Precision, recall and matches.

    Raises:
        ValueError: If an id is not positive, which COCO's matching takes for
            "not matched", or if the engine is not there.
    """
    if engine not in ENGINES:
        raise ValueError(f'no engine {engine!r}: there are {", ".join(ENGINES)}')
    for item in (*ground_truth, *detections):
        if item['id'] < 1:
            raise ValueError(
                f'ids must be positive for COCO matching, not {item["id"]}'
            )
    result = ENGINES[engine](ground_truth, detections, images, category_ids, max_dets)
    return MaskEvaluation(
        precision=result.precision,
        recall=result.recall,
        iou_thrs=result.iou_thrs,
        areas=tuple(result.areas),
        max_dets=result.max_dets,
        category_ids=result.category_ids,
        matches=_matches(result, ground_truth, detections),
        engine=engine,
    )


def _matches(
    result: EngineResult,
    ground_truth: Sequence[Mapping],
    detections: Sequence[Mapping],
) -> np.ndarray:
    """Ids (detection, ground truth) matched at ``MATCH_IOU`` over all areas, (M, 2).

    COCO's greedy matching at one threshold from the engine's IoUs, since
    faster-coco-eval tells its matches of all thresholds and areas in one. Objects to
    ignore take only detections that found no other, so they are left out.
    """
    lowest, highest = result.areas['all']
    objects_of = by_image_and_category(ground_truth)
    detections_of = by_image_and_category(detections)
    pairs = []
    for key, ious in result.ious.items():
        if len(ious) == 0 or ious.max() < MATCH_IOU:
            continue
        ious = np.where(ious >= MATCH_IOU, ious, -1)
        for column, item in enumerate(objects_of[key]):
            if item['iscrowd'] or not lowest <= item['area'] <= highest:
                ious[:, column] = -1
        ranked = by_score(detections_of[key])
        for row, overlaps in enumerate(ious):
            # of equal overlaps COCO takes the last
            best = len(overlaps) - 1 - int(overlaps[::-1].argmax())
            if overlaps[best] >= 0:
                pairs.append((ranked[row]['id'], objects_of[key][best]['id']))
                ious[:, best] = -1
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def mean_occlusion_rate_error(
    matches: np.ndarray, predicted: Mapping[int, float], annotated: Mapping[int, float]
) -> float | None:
    """Mean absolute error of the occlusion rate over matched detections.

    Args:
        matches: Ids (detection, ground truth), shape (M, 2).
        predicted: Predicted rate in [0, 1] by detection id.
        annotated: Annotated rate in [0, 1] by ground truth id.

    Returns:
        The error in [0, 1], None without a match.
    """
    if len(matches) == 0:
        return None
    errors = [abs(predicted[det] - annotated[gt]) for det, gt in matches.tolist()]
    return float(np.mean(errors))
