"""Predicted against annotated occlusion rates of matched instances.

Pure functions of two arrays: entry m of either belongs to the m-th detection that was
matched to an object. An occlusion rate is invisible area / amodal area, in [0, 1].
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import spearmanr

UNOCCLUDED_RATE = 1e-5
"""Up to this annotated rate an object counts as unoccluded in amodalAPI."""

OCCLUSION_BUCKETS = dict(
    none=(-math.inf, UNOCCLUDED_RATE),
    partial=(math.nextafter(UNOCCLUDED_RATE, math.inf), 0.25),
    heavy=(math.nextafter(0.25, math.inf), math.inf),
)
"""Lowest and highest annotated rates of the buckets of amodalAPI, both inside.

None is [0, 1e-5], partial (1e-5, 0.25], heavy (0.25, 1]: the bounds of amodalAPI's
``amodaleval`` (Zhu et al., Semantic amodal segmentation, CVPR 2017).
"""

NUM_BINS = 10
"""Number of bins of the calibration table."""

OCCLUDED_RATE = 0.05
"""From this rate on an object counts as occluded in UOAIS.

Back et al. (Unseen object amodal instance segmentation via hierarchical occlusion
modeling, ICRA 2022), their data loader.
"""


class Mean(NamedTuple):
    """Mean over the instances or pairs that have a value.

    Attributes:
        value: The mean, None where none has one.
        count: Number of those that have one.
    """

    value: float | None
    count: int


class RateErrors(NamedTuple):
    """Result of :func:`occlusion_rate_errors` for one group of instances.

    Attributes:
        mean_absolute_error: In [0, 1], None without an instance.
        rank_correlation: Spearman's, in [-1, 1]; None with fewer than three instances,
            or if one of the sides is constant.
        count: Number of instances.
    """

    mean_absolute_error: float | None
    rank_correlation: float | None
    count: int


class CalibrationBin(NamedTuple):
    """Instances whose predicted rate lies in one bin.

    Attributes:
        lower: The predicted rates lie above this (in the first bin: from this on).
        upper: The predicted rates lie at most here.
        count: Number of instances.
        mean_predicted: Mean predicted rate, None in an empty bin.
        mean_annotated: Mean annotated rate, None in an empty bin.
    """

    lower: float
    upper: float
    count: int
    mean_predicted: float | None
    mean_annotated: float | None


class OcclusionConfusion(NamedTuple):
    """Instances that are annotated alike, all occluded or all unoccluded.

    Attributes:
        as_occluded: Mean IoU of the amodal masks of those predicted occluded.
        as_unoccluded: The same of those predicted unoccluded.
        taken_for_other: Share of those that are predicted otherwise.
    """

    as_occluded: Mean
    as_unoccluded: Mean
    taken_for_other: Mean


def mean_of(values: Sequence[float | None]) -> Mean:
    """Mean over the values that are not None."""
    measured = [value for value in values if value is not None]
    return Mean(float(np.mean(measured)) if measured else None, len(measured))


def occlusion_rate_errors(
    predicted: ArrayLike, annotated: ArrayLike
) -> dict[str, RateErrors]:
    """Error and rank correlation of the occlusion rates.

    The error is the mean of abs(predicted - annotated). Spearman's rank correlation
    (the definition of ``scipy.stats.spearmanr``, equal values share their mean rank)
    measures only whether the more occluded object gets the higher rate. Annotated rates
    that count as unoccluded are one rank, since what differs below 1e-5 is rounding; so
    there is none in the bucket 'none'. Both are choices of ours.

    Args:
        predicted: Predicted occlusion rates in [0, 1], shape (M,).
        annotated: Annotated ones, shape (M,).

    Returns:
        The numbers for 'all' instances and for each bucket of ``OCCLUSION_BUCKETS`` by
        the annotated rate.
    """
    predicted, annotated = _as_float64(predicted, annotated)
    ranked = np.where(annotated <= UNOCCLUDED_RATE, 0, annotated)
    groups = dict(all=(-math.inf, math.inf), **OCCLUSION_BUCKETS)
    result = {}
    for name, (low, high) in groups.items():
        members = (low <= annotated) & (annotated <= high)
        result[name] = RateErrors(
            mean_of(abs(predicted - annotated)[members]).value,
            _rank_correlation(predicted[members], ranked[members]),
            int(members.sum()),
        )
    return result


def calibration_table(
    predicted: ArrayLike, annotated: ArrayLike
) -> list[CalibrationBin]:
    """Mean annotated rate by predicted rate: a reliability diagram as numbers.

    A model is calibrated where the objects to which it gives a rate of about r are
    hidden by r on average. As in Guo et al. (On calibration of modern neural networks,
    ICML 2017, section 2) in bins of equal width, closed at their upper end, with the
    predicted rate in the place of the confidence and the mean annotated rate in the
    place of the accuracy.

    Args:
        predicted: Predicted occlusion rates in [0, 1], shape (M,).
        annotated: Annotated ones, shape (M,).

    Returns:
        All ``NUM_BINS`` bins, in ascending order, empty ones too.
    """
    predicted, annotated = _as_float64(predicted, annotated)
    edges = np.linspace(0, 1, NUM_BINS + 1)
    index = np.searchsorted(edges[1:-1], predicted)
    return [
        CalibrationBin(
            float(edges[number]),
            float(edges[number + 1]),
            int((index == number).sum()),
            mean_of(predicted[index == number]).value,
            mean_of(annotated[index == number]).value,
        )
        for number in range(NUM_BINS)
    ]


def expected_calibration_error(table: Sequence[CalibrationBin]) -> float | None:
    """Mean gap between predicted and annotated rate over the bins, weighted by count.

    Equation 3 of Guo et al. (ICML 2017), for rates as :func:`calibration_table` says.

    Args:
        table: Result of :func:`calibration_table`.

    Returns:
        The error in [0, 1], None if all bins are empty.
    """
    filled = [entry for entry in table if entry.count]
    if not filled:
        return None
    gaps = [abs(entry.mean_predicted - entry.mean_annotated) for entry in filled]
    return float(np.average(gaps, weights=[entry.count for entry in filled]))


def occlusion_confusion(
    predicted: ArrayLike, annotated: ArrayLike, amodal_ious: ArrayLike, threshold: float
) -> dict[str, OcclusionConfusion]:
    """Occluded objects taken for unoccluded ones, and the reverse.

    The occlusion confusing problem of the paper (Fig. 1 a and b) as numbers: how often
    either happens, and how good the amodal masks are where it does.

    Args:
        predicted: Predicted occlusion rates in [0, 1], shape (M,).
        annotated: Annotated ones, shape (M,).
        amodal_ious: IoUs of predicted and annotated amodal mask, in [0, 1], shape (M,).
        threshold: Smallest rate of an occluded instance, for both sides.

    Returns:
        The numbers of the instances annotated as 'occluded' and as 'unoccluded'.
    """
    predicted, annotated, ious = _as_float64(predicted, annotated, amodal_ious)
    is_occluded, as_occluded = annotated >= threshold, predicted >= threshold
    return {
        kind: OcclusionConfusion(
            as_occluded=mean_of(ious[members & as_occluded]),
            as_unoccluded=mean_of(ious[members & ~as_occluded]),
            taken_for_other=mean_of((is_occluded != as_occluded)[members]),
        )
        for kind, members in (('occluded', is_occluded), ('unoccluded', ~is_occluded))
    }


def _as_float64(*arrays: ArrayLike) -> list[np.ndarray]:
    return [np.asarray(array, dtype=np.float64) for array in arrays]


def _rank_correlation(predicted: np.ndarray, annotated: np.ndarray) -> float | None:
    # Any two different points have a correlation of 1 or -1.
    if len(predicted) < 3 or np.ptp(predicted) == 0 or np.ptp(annotated) == 0:
        return None
    return float(spearmanr(predicted, annotated).statistic)
