"""COCO's average precision of masks as a pure function.

Ground truth and detections are lists of plain dicts in COCO's annotation form, with
masks as RLE; nothing goes through files.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .engine import BEST_ENGINE, ENGINES, EngineTask
from .matching import IousByKey, mask_ious

COCO_AREAS = dict(
    all=(0, 1e10), small=(0, 32**2), medium=(32**2, 96**2), large=(96**2, 1e10)
)
"""COCO's smallest and largest areas in pixels by name."""


class MaskEvaluation(NamedTuple):
    """Result of :func:`evaluate_masks`.

    Attributes:
        precision: Interpolated precision, shape (IoU thresholds, recall points,
            categories, areas, detection limits); -1 where there is no ground truth.
        recall: Largest recall, shape (IoU thresholds, categories, areas, detection
            limits); -1 where there is no ground truth.
        num_objects: Objects to be found, shape (categories, areas).
        iou_thrs: The IoU thresholds.
        areas: Names of the areas.
        max_dets: The detection limits per image, in ascending order.
        category_ids: Ids of the categories, in ascending order.
        engine: Name of the engine that was used.
    """

    precision: np.ndarray
    recall: np.ndarray
    num_objects: np.ndarray
    iou_thrs: np.ndarray
    areas: tuple[str, ...]
    max_dets: tuple[int, ...]
    category_ids: tuple[int, ...]
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
            area: Name of an area.
            category_id: Category; the mean over those with ground truth where None.

        Returns:
            Average precision in [0, 1], None where there is no ground truth.
        """
        return _mean(self._precision(iou_thr, area, category_id))

    def precision_recall_curve(
        self,
        iou_thr: float | None = 0.5,
        area: str = 'all',
        category_id: int | None = None,
    ) -> np.ndarray | None:
        """Precision at COCO's recalls 0, 0.01 ... 1; average precision is its mean.

        Args:
            iou_thr: As for :meth:`average_precision`.
            area: As there.
            category_id: As there.

        Returns:
            Precision in [0, 1], shape (101,), None where there is no ground truth.
        """
        values = np.moveaxis(self._precision(iou_thr, area, category_id), 1, 0)
        values = values.reshape(len(values), -1)
        measured = values[0] > -1
        return values[:, measured].mean(axis=1) if measured.any() else None

    def average_recall(self, max_dets: int, area: str = 'all') -> float | None:
        """Mean over IoU thresholds and categories of the largest recall.

        Args:
            max_dets: Detection limit per image, one of :attr:`max_dets`.
            area: Name of an area.

        Returns:
            Average recall in [0, 1], None where there is no ground truth.
        """
        index = self.areas.index(area), self.max_dets.index(max_dets)
        return _mean(self.recall[:, :, index[0], index[1]])

    def count(self, area: str = 'all', category_id: int | None = None) -> int:
        """Number of objects to be found.

        Args:
            area: Name of an area.
            category_id: Category; all where None.
        """
        numbers = self.num_objects[:, self.areas.index(area)]
        if category_id is not None:
            numbers = numbers[self.category_ids.index(category_id)]
        return int(numbers.sum())

    def _precision(
        self, iou_thr: float | None, area: str, category_id: int | None
    ) -> np.ndarray:
        """Precision at the largest detection limit, shape (T', R, K')."""
        values = self.precision[..., self.areas.index(area), -1]
        if iou_thr is not None:
            values = values[np.isclose(self.iou_thrs, iou_thr)]
        if category_id is not None:
            index = self.category_ids.index(category_id)
            values = values[..., index : index + 1]
        return values


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
    ious: IousByKey | None = None,
    areas: Mapping[str, tuple[float, float]] = COCO_AREAS,
) -> MaskEvaluation:
    """Evaluate masks by COCO's definition (https://cocodataset.org/#detection-eval).

    Args:
        ground_truth: Dicts with ``id``, ``image_id``, ``category_id``,
            ``segmentation`` (RLE), ``area`` in pixels and ``iscrowd``.
        detections: Dicts with ``id``, ``image_id``, ``category_id``,
            ``segmentation`` (RLE), ``area`` in pixels and ``score``.
        images: The images to evaluate, dicts with ``id``, ``height``, ``width``.
        category_ids: The categories to evaluate.
        max_dets: Detection limits per image and category.
        engine: One of ``ENGINES``; the numbers are the same, the time is not.
        ious: What :func:`~.matching.mask_ious` says of the masks up to the largest
            limit, where it is known already.
        areas: Smallest and largest ``area`` by name, both inside. Objects outside are
            ignored, and so are detections outside that found nothing.

    Returns:
        Precision and recall.

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
    max_dets = tuple(sorted(max_dets))
    if ious is None:
        ious = mask_ious(ground_truth, detections, max_dets[-1])
    task = EngineTask(
        ground_truth, detections, images, category_ids, max_dets, ious, areas
    )
    result = ENGINES[engine](task)
    return MaskEvaluation(
        precision=result.precision,
        recall=result.recall,
        num_objects=result.num_objects,
        iou_thrs=result.iou_thrs,
        areas=tuple(areas),
        max_dets=max_dets,
        category_ids=result.category_ids,
        engine=engine,
    )
