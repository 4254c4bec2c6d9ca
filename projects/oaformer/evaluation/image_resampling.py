"""Metrics as functions of the images' weights, for bootstrapping over images.

What is matched to what depends on one image alone, so a resample of the images is a
weighting of matches that are made once: weight w is an image that is there w times.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import bootstrap

from .amodal_evaluation import AmodalEvaluation
from .coco_eval import overlaps, run_coco_eval
from .occlusion_metrics import OCCLUSION_BUCKETS

RANGES = dict(all=(-np.inf, np.inf), **OCCLUSION_BUCKETS)
MAX_DETS = 100

Measure = Callable[[np.ndarray], dict[str, float]]


class RankedDetections(NamedTuple):
    """Detections of one category in the order of their scores, and what they hit.

    Attributes:
        image: Index of the image of each detection, (D,).
        correct: Whether it is matched to an object that counts, (T, D) for T IoU
            thresholds.
        wrong: Whether it counts and is matched to none, (T, D).
        objects: Number of the objects to be found in each image, (I,).
    """

    image: np.ndarray
    correct: np.ndarray
    wrong: np.ndarray
    objects: np.ndarray

    def average_precision(
        self, weights: np.ndarray, recalls: np.ndarray
    ) -> np.ndarray | None:
        """COCO's average precision at each IoU threshold.

        Args:
            weights: Weight of each image, (I,).
            recalls: Recalls at which the precision is read.

        Returns:
            In [0, 1], (T,); None where there is no object.
        """
        total = weights @ self.objects
        if total == 0:
            return None
        weight = weights[self.image]
        # (T, D)
        hits = np.cumsum(self.correct * weight, axis=1)
        found = hits + np.cumsum(self.wrong * weight, axis=1)
        precision = hits / np.maximum(found, 1)
        # the highest precision at this recall or a higher one
        precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        precision = np.pad(precision, ((0, 0), (0, 1)))
        index = [np.searchsorted(row, recalls) for row in hits / total]
        return np.take_along_axis(precision, np.stack(index), axis=1).mean(axis=1)


def measure_by_weights(
    evaluation: AmodalEvaluation, image_ids: Sequence[int]
) -> Measure:
    """Make a function that measures an evaluation with weighted images.

    Args:
        evaluation: Result of :func:`~.amodal_evaluation.evaluate_amodal`.
        image_ids: Ids of the I evaluated images.

    Returns:
        A function of the images' weights, (I,), by ascending id. It gives metrics of
        docs/metrics.md by name: ``segm_mAP``, ``segm_mAP_50``, ``segm_mAP_75``,
        ``segm_mAP_occlusion_*``, ``mIoU_full``, ``mIoU_invisible`` and, where there are
        rates, ``occlusion_rate_mae``. NaN is what has nothing to be measured on.
    """
    recalls, ranked = _rank(evaluation, image_ids)
    values = _matched_values(evaluation, image_ids)

    def measure(weights: np.ndarray) -> dict[str, float]:
        measured = {}
        for name, categories in ranked.items():
            scores = [one.average_precision(weights, recalls) for one in categories]
            # (categories with objects, T)
            scores = np.array([score for score in scores if score is not None])
            suffix = '' if name == 'all' else f'_occlusion_{name}'
            measured[f'segm_mAP{suffix}'] = scores.mean() if len(scores) else np.nan
            if name == 'all':
                for index, iou in ((0, 50), (5, 75)):
                    score = scores[:, index].mean() if len(scores) else np.nan
                    measured[f'segm_mAP_{iou}'] = score
        for name, (image, value) in values.items():
            weight = weights[image]
            total = weight.sum()
            measured[name] = weight @ value / total if total else np.nan
        return measured

    return measure


def bootstrap_differences(
    first: Sequence[Measure],
    second: Sequence[Measure],
    num_images: int,
    num_resamples: int = 1000,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """95 % intervals of the differences of two systems, over images.

    Both systems, and all seeds of each, are measured on the same resampled images, so
    that what is hard in an image is not taken for a difference.

    Args:
        first: A function of :func:`measure_by_weights` for each seed of one system.
        second: The same of the other one.
        num_images: Number of the images.
        num_resamples: How often images are drawn.
        seed: Seed of the draws.

    Returns:
        Lowest and highest difference first - second, of the means over seeds, for each
        metric that both have: the percentile interval of ``scipy.stats.bootstrap``. NaN
        where a resample has nothing to be measured on.
    """
    whole = np.ones(num_images, dtype=np.int64)
    ours, theirs = _mean(first, whole), _mean(second, whole)
    names = [
        name
        for name in ours
        if name in theirs and not np.isnan(ours[name] - theirs[name])
    ]

    def differences(images: np.ndarray, axis: int) -> np.ndarray:
        # (..., I) -> (metrics, ...)
        def measure(drawn: np.ndarray) -> list[float]:
            weights = np.bincount(drawn, minlength=num_images)
            one, other = _mean(first, weights), _mean(second, weights)
            return [one[name] - other[name] for name in names]

        return np.moveaxis(np.apply_along_axis(measure, axis, images), -1, 0)

    interval = bootstrap(
        (np.arange(num_images),),
        differences,
        vectorized=True,
        n_resamples=num_resamples,
        batch=1,
        method='percentile',
        rng=seed,
    ).confidence_interval
    pairs = zip(interval.low.tolist(), interval.high.tolist(), strict=True)
    return dict(zip(names, pairs, strict=True))


def _mean(measures: Sequence[Measure], weights: np.ndarray) -> dict[str, float]:
    measured = [measure(weights) for measure in measures]
    return {
        name: float(np.mean([one[name] for one in measured]))
        for name in measured[0]
        if all(name in one for one in measured)
    }


def _rank(
    evaluation: AmodalEvaluation, image_ids: Sequence[int]
) -> tuple[np.ndarray, dict[str, list[RankedDetections]]]:
    """COCO's recalls, and by range the detections of each category."""
    objects, detections = evaluation.objects, evaluation.detections
    image_ids = sorted(image_ids)
    run = run_coco_eval(
        objects,
        detections,
        [dict(id=image_id) for image_id in image_ids],
        list(evaluation.classes.values()),
        overlaps(objects, detections, MAX_DETS),
        sizes=(
            [item['occlusion_rate'] for item in objects],
            # NaN: an unmatched detection counts in every range
            [np.nan] * len(detections),
        ),
        ranges=RANGES,
        max_dets=[MAX_DETS],
        # the faster engine does not give its matches
        engine='pycocotools',
    )
    # COCO's order is category, range, image
    images = iter(run.evalImgs)
    ranked = {name: [] for name in RANGES}
    for _ in evaluation.classes:
        for name in RANGES:
            of_image = [next(images) for _ in image_ids]
            ranked[name].append(_ranked_detections(of_image, len(run.params.iouThrs)))
    return run.params.recThrs, ranked


def _ranked_detections(
    of_image: Sequence[dict | None], num_thrs: int
) -> RankedDetections:
    """COCO's per-image matches of one category and range as one ranked list."""
    objects = np.zeros(len(of_image), dtype=np.int64)
    image, scores = [np.zeros(0, np.int64)], [np.zeros(0)]
    matched, ignored = ([np.zeros((num_thrs, 0), bool)] for _ in range(2))
    for index, found in enumerate(of_image):
        if found is None:
            continue
        objects[index] = np.sum(np.array(found['gtIgnore']) == 0)
        image.append(np.full(len(found['dtScores']), index))
        scores.append(np.array(found['dtScores'], dtype=np.float64))
        matched.append(found['dtMatches'] > 0)
        ignored.append(found['dtIgnore'] > 0)
    order = np.argsort(-np.concatenate(scores), kind='stable')
    hit = np.concatenate(matched, axis=1)[:, order]
    counts = ~np.concatenate(ignored, axis=1)[:, order]
    return RankedDetections(
        np.concatenate(image)[order], hit & counts, ~hit & counts, objects
    )


def _matched_values(
    evaluation: AmodalEvaluation, image_ids: Sequence[int]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What is measured on matched objects: index of the image and value of each."""
    index = {image_id: number for number, image_id in enumerate(sorted(image_ids))}
    image_of = {item['id']: index[item['image_id']] for item in evaluation.objects}
    values = dict(mIoU_full=[], mIoU_invisible=[], occlusion_rate_mae=[])
    for match in evaluation.matched.matches:
        image, rate = image_of[match.object_id], match.predicted_occlusion_rate
        error = None if rate is None else abs(rate - match.annotated_occlusion_rate)
        for name, value in (
            ('mIoU_full', match.ious['full']),
            ('mIoU_invisible', match.ious['invisible']),
            ('occlusion_rate_mae', error),
        ):
            if value is not None:
                values[name].append((image, value))
    columns = {
        name: np.array(rows, dtype=np.float64).reshape(-1, 2)
        for name, rows in values.items()
    }
    if 'occlusion_rates' in evaluation.missing_inputs:
        del columns['occlusion_rate_mae']
    return {
        name: (rows[:, 0].astype(int), rows[:, 1]) for name, rows in columns.items()
    }
