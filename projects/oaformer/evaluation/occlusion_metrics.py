"""Predicted against annotated occlusion rates of matched instances.

Pure functions of two arrays: entry m of either belongs to the m-th detection that was
matched to an object. An occlusion rate is invisible area / amodal area, in [0, 1].
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import spearmanr

UNOCCLUDED_RATE = 1e-5
"""Up to this annotated rate an object counts as unoccluded in amodalAPI."""

OCCLUSION_BUCKETS = dict(
    none=(-np.inf, UNOCCLUDED_RATE),
    partial=(UNOCCLUDED_RATE, 0.25),
    heavy=(0.25, np.inf),
)
"""Annotated rates (above, up to) of the buckets of amodalAPI."""

OCCLUDED_RATE = 0.05
"""From this rate on an object counts as occluded in UOAIS."""


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


class ConfusionCell(NamedTuple):
    """One cell of an :class:`OcclusionConfusion`.

    Attributes:
        count: Number of instances.
        mean_amodal_iou: Mean IoU of their amodal masks, None in an empty cell.
    """

    count: int
    mean_amodal_iou: float | None


class OcclusionConfusion(NamedTuple):
    """Result of :func:`occlusion_confusion`, cells named annotated_as_predicted.

    Attributes:
        threshold: From this rate on an instance counts as occluded.
        occluded_as_occluded: Occluded and predicted so.
        occluded_as_unoccluded: Occluded, predicted unoccluded (paper, Fig. 1 a).
        unoccluded_as_occluded: Unoccluded, predicted occluded (paper, Fig. 1 b).
        unoccluded_as_unoccluded: Unoccluded and predicted so.
    """

    threshold: float
    occluded_as_occluded: ConfusionCell
    occluded_as_unoccluded: ConfusionCell
    unoccluded_as_occluded: ConfusionCell
    unoccluded_as_unoccluded: ConfusionCell

    @property
    def occluded_taken_for_unoccluded(self) -> float | None:
        """Share of the occluded instances, None if there is no occluded one."""
        return _share(self.occluded_as_unoccluded, self.occluded_as_occluded)

    @property
    def unoccluded_taken_for_occluded(self) -> float | None:
        """Share of the unoccluded instances, None if there is no unoccluded one."""
        return _share(self.unoccluded_as_occluded, self.unoccluded_as_unoccluded)


def bucket_members(annotated: ArrayLike) -> dict[str, np.ndarray]:
    """Assign instances to the occlusion buckets of amodalAPI.

    None is [0, 1e-5], partial (1e-5, 0.25], heavy (0.25, 1] (Zhu et al., Semantic
    amodal segmentation, CVPR 2017; the bounds are those of amodalAPI's ``amodaleval``).

    Args:
        annotated: Annotated occlusion rates in [0, 1], shape (M,).

    Returns:
        Membership by the names of ``OCCLUSION_BUCKETS``, bool arrays of shape (M,).
        Every instance is in exactly one of them.
    """
    annotated = np.asarray(annotated, dtype=np.float64)
    return {
        name: (annotated > above) & (annotated <= up_to)
        for name, (above, up_to) in OCCLUSION_BUCKETS.items()
    }


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

    Raises:
        ValueError: If the lengths differ.
    """
    predicted, annotated = _rates(predicted, annotated)
    ranked = np.where(annotated <= UNOCCLUDED_RATE, 0, annotated)
    groups = dict(all=np.ones(len(annotated), dtype=bool), **bucket_members(annotated))
    return {
        name: RateErrors(
            _mean(abs(predicted - annotated)[members]),
            _rank_correlation(predicted[members], ranked[members]),
            int(members.sum()),
        )
        for name, members in groups.items()
    }


def calibration_table(
    predicted: ArrayLike, annotated: ArrayLike, num_bins: int = 10
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
        num_bins: Number of bins of equal width.

    Returns:
        All bins, in ascending order, empty ones too.

    Raises:
        ValueError: If the lengths differ.
    """
    predicted, annotated = _rates(predicted, annotated)
    edges = np.linspace(0, 1, num_bins + 1)
    index = np.searchsorted(edges[1:-1], predicted)
    table = []
    for number in range(num_bins):
        members = index == number
        table.append(
            CalibrationBin(
                float(edges[number]),
                float(edges[number + 1]),
                int(members.sum()),
                _mean(predicted[members]),
                _mean(annotated[members]),
            )
        )
    return table


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
    predicted: ArrayLike,
    annotated: ArrayLike,
    amodal_ious: ArrayLike,
    threshold: float = OCCLUDED_RATE,
) -> OcclusionConfusion:
    """Occluded objects taken for unoccluded ones, and the reverse.

    The occlusion confusing problem of the paper (Fig. 1) as numbers: how often either
    happens, and how good the amodal masks are where it does.

    Args:
        predicted: Predicted occlusion rates in [0, 1], shape (M,).
        annotated: Annotated ones, shape (M,).
        amodal_ious: IoUs of predicted and annotated amodal mask, in [0, 1], shape (M,).
        threshold: Smallest rate of an occluded instance, for both sides. The default is
            UOAIS's (Back et al., ICRA 2022, their data loader).

    Returns:
        The four cells.

    Raises:
        ValueError: If the lengths of the rates differ.
    """
    predicted, annotated = _rates(predicted, annotated)
    ious = np.asarray(amodal_ious, dtype=np.float64)
    is_occluded, as_occluded = annotated >= threshold, predicted >= threshold

    def cell(members: np.ndarray) -> ConfusionCell:
        return ConfusionCell(int(members.sum()), _mean(ious[members]))

    return OcclusionConfusion(
        threshold=threshold,
        occluded_as_occluded=cell(is_occluded & as_occluded),
        occluded_as_unoccluded=cell(is_occluded & ~as_occluded),
        unoccluded_as_occluded=cell(~is_occluded & as_occluded),
        unoccluded_as_unoccluded=cell(~is_occluded & ~as_occluded),
    )


def _rates(predicted: ArrayLike, annotated: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    predicted = np.asarray(predicted, dtype=np.float64)
    annotated = np.asarray(annotated, dtype=np.float64)
    if predicted.shape != annotated.shape:
        raise ValueError(
            'every matched instance needs a predicted and an annotated occlusion rate: '
            f'shapes {predicted.shape} and {annotated.shape}'
        )
    return predicted, annotated


def _rank_correlation(predicted: np.ndarray, annotated: np.ndarray) -> float | None:
    # Any two different points have a correlation of 1 or -1.
    if len(predicted) < 3 or np.ptp(predicted) == 0 or np.ptp(annotated) == 0:
        return None
    return float(spearmanr(predicted, annotated).statistic)


def _share(part: ConfusionCell, rest: ConfusionCell) -> float | None:
    total = part.count + rest.count
    return part.count / total if total else None


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if values.size else None
