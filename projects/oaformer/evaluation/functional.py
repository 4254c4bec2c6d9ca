"""COCO evaluation of masks and of occlusion rates as pure functions.

Ground truth and detections are lists of plain dicts in COCO's annotation form, with
masks as RLE; nothing goes through files. :func:`evaluate_masks` is the one place that
calls the evaluation engine.
"""

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

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
    """

    precision: np.ndarray
    recall: np.ndarray
    iou_thrs: np.ndarray
    areas: tuple[str, ...]
    max_dets: tuple[int, ...]
    category_ids: tuple[int, ...]
    matches: np.ndarray

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

    Returns:
        Precision, recall and matches.

    Raises:
        ValueError: If an id is not positive, which COCO's matching takes for
            "not matched".
    """
    for item in (*ground_truth, *detections):
        if item['id'] < 1:
            raise ValueError(
                f'ids must be positive for COCO matching, not {item["id"]}'
            )
    # The engine tells its progress on stdout, and nowhere else.
    with contextlib.redirect_stdout(io.StringIO()):
        engine = COCOeval(
            _coco(ground_truth, images, category_ids),
            _coco(detections, images, category_ids),
            'segm',
        )
        engine.params.imgIds = [image['id'] for image in images]
        engine.params.catIds = list(category_ids)
        engine.params.maxDets = sorted(max_dets)
        engine.evaluate()
        engine.accumulate()
    params = engine.params
    return MaskEvaluation(
        precision=engine.eval['precision'],
        recall=engine.eval['recall'],
        iou_thrs=params.iouThrs,
        areas=tuple(params.areaRngLbl),
        max_dets=tuple(params.maxDets),
        category_ids=tuple(int(category_id) for category_id in params.catIds),
        matches=_matches(engine),
    )


def _coco(
    annotations: Sequence[Mapping],
    images: Sequence[Mapping],
    category_ids: Sequence[int],
) -> COCO:
    """Index annotations in memory. Copies them, since the engine writes into them."""
    coco = COCO()
    coco.dataset = dict(
        images=list(images),
        annotations=[dict(annotation) for annotation in annotations],
        categories=[dict(id=category_id) for category_id in category_ids],
    )
    coco.createIndex()
    return coco


def _matches(engine: COCOeval) -> np.ndarray:
    """Ids (detection, ground truth) matched at ``MATCH_IOU`` over all areas, (M, 2)."""
    params = engine.params
    threshold = int(np.flatnonzero(np.isclose(params.iouThrs, MATCH_IOU))[0])
    pairs = [np.zeros((0, 2), np.int64)]
    for image in engine.evalImgs:
        if image is None or image['aRng'] != params.areaRng[0]:
            continue
        matched = image['dtMatches'][threshold]
        keep = (matched > 0) & ~image['dtIgnore'][threshold].astype(bool)
        ids = np.asarray(image['dtIds'], np.int64)
        pairs.append(np.stack([ids[keep], matched[keep].astype(np.int64)], axis=1))
    return np.concatenate(pairs)


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
