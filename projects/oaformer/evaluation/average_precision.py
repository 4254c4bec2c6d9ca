"""COCO's average precision of masks or boxes, by size or by occlusion.

Ground truth and detections are lists of plain dicts in COCO's annotation form; nothing
goes through files.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .coco_eval import IousByKey, run_coco_eval
from .occlusion_metrics import OCCLUSION_BUCKETS

COCO_AREAS = dict(
    all=(0, 1e10), small=(0, 32**2), medium=(32**2, 96**2), large=(96**2, 1e10)
)
"""COCO's smallest and largest areas in pixels by name."""

XIAO_RANGES = {
    '15': (0.15, np.inf),
    '25': (0.25, np.inf),
    '40': (0.40, np.inf),
}
"""Lowest and highest occlusion rates of AP-Occluded, both inside.

From the evaluation of Xiao et al. (Amodal segmentation based on visible region
segmentation and shape prior, AAAI 2021): at least so many percent are hidden.
"""

RATE_RANGES = OCCLUSION_BUCKETS | XIAO_RANGES
"""Lowest and highest occlusion rates of amodalAPI's buckets and of AP-Occluded."""


class CocoEvaluation(NamedTuple):
    """Result of :func:`evaluate_coco`.

    Attributes:
        precision: Interpolated precision, shape (IoU thresholds, recall points,
            categories, ranges, detection limits); -1 where there is no ground truth.
        recall: Largest recall, shape (IoU thresholds, categories, ranges, detection
            limits); -1 where there is no ground truth.
        num_objects: Objects to be found, int64 of shape (categories, ranges).
        iou_thrs: The IoU thresholds.
        ranges: Names of the ranges of sizes.
        max_dets: The detection limits per image, in ascending order.
        category_ids: Ids of the categories, in ascending order.
    """

    precision: np.ndarray
    recall: np.ndarray
    num_objects: np.ndarray
    iou_thrs: np.ndarray
    ranges: tuple[str, ...]
    max_dets: tuple[int, ...]
    category_ids: tuple[int, ...]

    def average_precision(
        self,
        iou_thr: float | None = None,
        size: str = 'all',
        category_id: int | None = None,
    ) -> float | None:
        """Mean of the precision at the largest detection limit.

        Args:
            iou_thr: IoU threshold; the mean over all where None.
            size: Name of a range.
            category_id: Category; the mean over those with ground truth where None.

        Returns:
            Average precision in [0, 1], None where there is no ground truth.
        """
        return _mean(self._precision(iou_thr, size, category_id))

    def precision_recall_curve(self, size: str = 'all') -> np.ndarray | None:
        """Precision at IoU 0.5 and COCO's recalls 0, 0.01 ... 1; its mean is AP50.

        Args:
            size: Name of a range.

        Returns:
            Precision in [0, 1], shape (101,), None where there is no ground truth.
        """
        (values,) = self._precision(0.5, size)
        measured = values[0] > -1
        return values[:, measured].mean(axis=1) if measured.any() else None

    def average_recall(self, max_dets: int) -> float | None:
        """Mean over IoU thresholds and categories of the largest recall.

        Args:
            max_dets: Detection limit per image, one of :attr:`max_dets`.

        Returns:
            Average recall of objects of all sizes in [0, 1], None where there is no
            ground truth.
        """
        recall = self.recall[..., self.max_dets.index(max_dets)]
        return _mean(recall[..., self.ranges.index('all')])

    def count(self, size: str = 'all', category_id: int | None = None) -> int:
        """Number of objects to be found.

        Args:
            size: Name of a range.
            category_id: Category; all where None.
        """
        numbers = self.num_objects[:, self.ranges.index(size)]
        if category_id is not None:
            numbers = numbers[self.category_ids.index(category_id)]
        return int(numbers.sum())

    def _precision(
        self, iou_thr: float | None, size: str, category_id: int | None = None
    ) -> np.ndarray:
        """Precision at the largest detection limit, shape (T', R, K')."""
        values = self.precision[..., self.ranges.index(size), -1]
        if iou_thr is not None:
            values = values[np.isclose(self.iou_thrs, iou_thr)]
        if category_id is not None:
            index = self.category_ids.index(category_id)
            values = values[..., index : index + 1]
        return values


def evaluate_coco(
    ground_truth: Sequence[Mapping],
    detections: Sequence[Mapping],
    images: Sequence[Mapping],
    category_ids: Sequence[int],
    ious: IousByKey,
    *,
    max_dets: Sequence[int] = (1, 10, 100),
    ranges: Mapping[str, tuple[float, float]] = COCO_AREAS,
    sizes: tuple[Sequence[float], Sequence[float]] | None = None,
) -> CocoEvaluation:
    """Evaluate by COCO's definition (https://cocodataset.org/#detection-eval).

    Args:
        ground_truth: Dicts with ``id``, ``image_id``, ``category_id``, ``area`` in
            pixels and ``iscrowd``. Ids are positive: COCO's matching takes 0 for "not
            matched".
        detections: Dicts with ``id``, ``image_id``, ``category_id``, ``area`` in pixels
            and ``score``.
        images: The images to evaluate, dicts with ``id``.
        category_ids: The categories to evaluate.
        ious: Overlaps of their masks or boxes up to the largest limit, from
            :func:`~.coco_eval.overlaps`.
        max_dets: Detection limits per image and category.
        ranges: Smallest and largest size by name, both inside. Objects outside are
            ignored, and so are unmatched detections outside.
        sizes: Size of each object and of each detection; their areas where None.

    Returns:
        Precision and recall.
    """
    if sizes is None:
        sizes = tuple(
            [item['area'] for item in items] for items in (ground_truth, detections)
        )
    max_dets = tuple(sorted(max_dets))
    result = run_coco_eval(
        ground_truth,
        detections,
        images,
        category_ids,
        ious,
        sizes=sizes,
        ranges=ranges,
        max_dets=max_dets,
    )
    category_ids = tuple(int(category_id) for category_id in result.params.catIds)
    return CocoEvaluation(
        precision=result.eval['precision'],
        recall=result.eval['recall'],
        num_objects=_num_objects(ground_truth, sizes[0], images, category_ids, ranges),
        iou_thrs=result.params.iouThrs,
        ranges=tuple(ranges),
        max_dets=max_dets,
        category_ids=category_ids,
    )


def evaluate_by_occlusion(
    ground_truth: Sequence[Mapping],
    detections: Sequence[Mapping],
    images: Sequence[Mapping],
    category_ids: Sequence[int],
    ious: IousByKey,
    *,
    max_dets: int = 100,
    with_rates: bool = True,
) -> dict[str, CocoEvaluation]:
    """Evaluate once for each bucket of occlusion, under two rules.

    An object outside a bucket is ignored as COCO ignores objects of another size: it
    need not be found, and a detection that found it does not count. An unmatched
    detection is

    - under the rule 'ignore' a false positive of every bucket of ``RATE_RANGES``;
    - under the rule 'by_rate' a false positive of those ranges of ``XIAO_RANGES`` in
      which its own occlusion rate lies: COCO's treatment of sizes, with the rate as the
      size. Xiao et al. (AAAI 2021) do the same with the ratio of the predicted masks.
      Buckets with an upper limit have no such number, since it favours a model whose
      rates avoid them: no sigmoid reaches 'none', so no false positive would count.

    Args:
        ground_truth: Objects as in :func:`evaluate_coco`, with ``occlusion_rate`` in
            [0, 1].
        detections: Detections as there; for 'by_rate' with ``occlusion_rate``.
        images: As there, like the categories and overlaps.
        category_ids: As there.
        ious: As there.
        max_dets: Detection limit per image and category.
        with_rates: Whether the detections have rates; 'by_rate' needs them.

    Returns:
        By rule, with the buckets as ``ranges``.
    """
    rates, predicted = (
        [item['occlusion_rate'] for item in items]
        for items in (ground_truth, detections)
    )
    rules = dict(ignore=(RATE_RANGES, [np.nan] * len(detections)))
    if with_rates:
        rules['by_rate'] = (XIAO_RANGES, predicted)
    return {
        rule: evaluate_coco(
            ground_truth,
            detections,
            images,
            category_ids,
            ious,
            max_dets=[max_dets],
            ranges=ranges,
            sizes=(rates, sizes),
        )
        for rule, (ranges, sizes) in rules.items()
    }


def _num_objects(
    ground_truth: Sequence[Mapping],
    sizes: Sequence[float],
    images: Sequence[Mapping],
    category_ids: Sequence[int],
    ranges: Mapping[str, tuple[float, float]],
) -> np.ndarray:
    """Objects to be found, crowds left out, int64 of shape (categories, ranges)."""
    image_ids = {image['id'] for image in images}
    numbers = np.zeros((len(category_ids), len(ranges)), dtype=np.int64)
    row_of = dict(zip(category_ids, numbers, strict=True))
    for item, size in zip(ground_truth, sizes, strict=True):
        counts = item['image_id'] in image_ids and not item['iscrowd']
        if counts and item['category_id'] in row_of:
            inside = [low <= size <= high for low, high in ranges.values()]
            row_of[item['category_id']] += inside
    return numbers


def _mean(values: np.ndarray) -> float | None:
    values = values[values > -1]
    return float(values.mean()) if values.size else None
