"""What is measured on matched instances: IoU of masks, occlusion rates and order."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..structures import RLE, intersection_areas, rle_areas
from .coco_eval import CocoMatches
from .occlusion_metrics import (
    CalibrationBin,
    OcclusionConfusion,
    RateErrors,
    calibration_table,
    expected_calibration_error,
    occlusion_confusion,
    occlusion_rate_errors,
)
from .occlusion_order import (
    OrderAccuracy,
    lead_by_rates,
    lead_by_visible_masks,
    occlusion_order,
    order_accuracy,
)


class MeanIoU(NamedTuple):
    """Mean IoU of matched instances.

    Attributes:
        value: Mean IoU in [0, 1], None where no instance has one.
        count: Number of instances that have an IoU.
    """

    value: float | None
    count: int


class MatchedIoUs(NamedTuple):
    """Result of :func:`matched_ious`: M IoUs in [0, 1] each.

    Attributes:
        visible: Of the visible masks; None where both are empty.
        invisible: Of the invisible parts given the annotated visible mask; None where
            nothing is hidden.
        predicted_invisible: Of the predicted invisible masks; None where nothing is
            hidden.
    """

    visible: list[float | None]
    invisible: list[float | None]
    predicted_invisible: list[float | None]


class AmodalMatch(NamedTuple):
    """A detection and the object that it is matched to.

    Attributes:
        image_id: Their image.
        detection_id: ``id`` of the detection.
        object_id: ``id`` of the object.
        category_id: Their class.
        score: Score of the detection.
        amodal_iou: IoU of the amodal masks, at least 0.5.
        visible_iou: As in :class:`MatchedIoUs`; None as well where visible masks are
            not predicted or not annotated.
        invisible_iou: As there.
        predicted_invisible_iou: As ``visible_iou``.
        predicted_occlusion_rate: In [0, 1]; None where it is not predicted.
        annotated_occlusion_rate: In [0, 1].
    """

    image_id: int
    detection_id: int
    object_id: int
    category_id: int
    score: float
    amodal_iou: float
    visible_iou: float | None
    invisible_iou: float | None
    predicted_invisible_iou: float | None
    predicted_occlusion_rate: float | None
    annotated_occlusion_rate: float


class MatchedEvaluation(NamedTuple):
    """Result of :func:`evaluate_matches`.

    Attributes:
        matches: The matches, in the order of the detections' ids.
        full_iou: Mean IoU of the amodal masks.
        invisible_iou: Mean IoU of the invisible parts given the visible masks.
        visible_iou: Mean IoU of the visible masks; None where none are predicted or
            annotated.
        predicted_invisible_iou: Mean IoU of the predicted invisible masks; None as
            before.
        order: Accuracy of the pairwise occlusion order; None where neither visible
            masks nor occlusion rates are predicted.
        rate_errors: Errors of the occlusion rates by bucket, 'all' included; None
            where no rates are predicted.
        calibration: Calibration table of the rates; None where no rates are predicted.
        calibration_error: Expected calibration error; None as before and without a
            match.
        confusion: Occluded taken for unoccluded and the reverse; None as before.
    """

    matches: list[AmodalMatch]
    full_iou: MeanIoU
    invisible_iou: MeanIoU
    visible_iou: MeanIoU | None = None
    predicted_invisible_iou: MeanIoU | None = None
    order: OrderAccuracy | None = None
    rate_errors: dict[str, RateErrors] | None = None
    calibration: list[CalibrationBin] | None = None
    calibration_error: float | None = None
    confusion: OcclusionConfusion | None = None


def matched_ious(
    predicted: Sequence[RLE],
    annotated: Sequence[RLE],
    annotated_visible: Sequence[RLE],
    predicted_visible: Sequence[RLE] | None = None,
) -> MatchedIoUs:
    """IoUs of the visible and invisible masks of matched instances.

    - ``invisible`` is mIoU-occ of C2F-Seg (Gao et al., Coarse-to-fine amodal
      segmentation with shape prior, ICCV 2023, whose model gets the visible masks): the
      predicted amodal mask without the **annotated** visible mask against the annotated
      amodal mask without it. Predicted pixels outside the object count against it.
    - ``predicted_invisible`` takes the **predicted** visible mask away from the
      predicted amodal one (ORCNN, Follmann et al., WACV 2019: invisible is amodal
      without visible), so it measures as well whether the model knows which part is
      hidden.

    Only areas of intersections are needed, no mask is decoded.

    Args:
        predicted: M predicted amodal masks.
        annotated: M annotated amodal masks, in the same order.
        annotated_visible: Their visible masks, each inside its amodal mask.
        predicted_visible: Predicted visible masks, each inside its amodal mask; None
            where there are none.

    Returns:
        The IoUs; without predicted visible masks 'visible' and 'predicted_invisible'
        are None for every instance.

    Raises:
        ValueError: If the lengths or the sizes of masks differ.
    """
    seen = _areas(annotated_visible)
    hidden = _areas(annotated) - seen
    whole = intersection_areas(predicted, annotated)
    taken = intersection_areas(predicted, annotated_visible)
    areas = _areas(predicted)
    invisible = _ious(whole - taken, areas - taken, hidden, hidden > 0)
    if predicted_visible is None:
        nothing = [None] * len(annotated)
        return MatchedIoUs(nothing, invisible, nothing)
    both = intersection_areas(predicted_visible, annotated_visible)
    visible_areas = _areas(predicted_visible)
    visible = _ious(both, visible_areas, seen, visible_areas + seen > 0)
    # |(P - p) & (G - g)| with p inside P and g inside G
    shared = whole - taken - intersection_areas(predicted_visible, annotated) + both
    predicted_invisible = _ious(shared, areas - visible_areas, hidden, hidden > 0)
    return MatchedIoUs(visible, invisible, predicted_invisible)


def mean_iou(ious: Sequence[float | None]) -> MeanIoU:
    """Mean over the instances that have an IoU.

    Of amodal masks it is what C2F-Seg calls mIoU-full, of their invisible parts its
    mIoU-occ. Both average over instances, not over pixels or classes. C2F-Seg scores
    masks for given objects; here an object that is not matched doesn't count, so look
    at the count too.

    Args:
        ious: IoUs, None for an instance that doesn't count.

    Returns:
        The mean and the number of instances.
    """
    measured = [iou for iou in ious if iou is not None]
    return MeanIoU(float(np.mean(measured)) if measured else None, len(measured))


def evaluate_matches(
    objects: Sequence[Mapping],
    detections: Sequence[Mapping],
    matches: CocoMatches,
    occluded_rate: float,
    with_visible_masks: bool,
    with_rates: bool,
) -> MatchedEvaluation:
    """Measure masks, occlusion rates and order of the matched instances.

    Args:
        objects: Ground truth from :func:`~.ground_truth.load_ground_truth`.
        detections: Detections from :func:`~.predictions.coco_detections`.
        matches: Their matches.
        occluded_rate: Smallest occlusion rate of an occluded instance.
        with_visible_masks: Whether there are predicted and annotated visible masks.
        with_rates: Whether the detections have occlusion rates.

    Returns:
        The matches with their numbers, and the numbers over all of them.
    """
    object_by_id = {item['id']: item for item in objects}
    detection_by_id = {item['id']: item for item in detections}
    order = np.argsort(matches.pairs[:, 0])
    amodal_ious = matches.ious[order].tolist()
    found = [detection_by_id[index] for index in matches.pairs[order, 0].tolist()]
    truth = [object_by_id[index] for index in matches.pairs[order, 1].tolist()]

    ious = matched_ious(
        [item['segmentation'] for item in found],
        [item['segmentation'] for item in truth],
        [item['visible_mask'] for item in truth],
        [item['visible_mask'] for item in found] if with_visible_masks else None,
    )
    rates = [item['occlusion_rate'] for item in found]
    true_rates = [item['occlusion_rate'] for item in truth]
    result = MatchedEvaluation(
        matches=[
            AmodalMatch(
                detection['image_id'],
                detection['id'],
                item['id'],
                item['category_id'],
                detection['score'],
                *numbers,
            )
            for detection, item, *numbers in zip(
                found, truth, amodal_ious, *ious, rates, true_rates, strict=True
            )
        ],
        full_iou=mean_iou(amodal_ious),
        invisible_iou=mean_iou(ious.invisible),
    )
    if with_visible_masks:
        result = result._replace(
            visible_iou=mean_iou(ious.visible),
            predicted_invisible_iou=mean_iou(ious.predicted_invisible),
        )
    if with_visible_masks or with_rates:
        result = result._replace(
            order=_order_accuracy(truth, found, with_visible_masks)
        )
    if with_rates:
        calibration = calibration_table(rates, true_rates)
        result = result._replace(
            rate_errors=occlusion_rate_errors(rates, true_rates),
            calibration=calibration,
            calibration_error=expected_calibration_error(calibration),
            confusion=occlusion_confusion(
                rates, true_rates, amodal_ious, occluded_rate
            ),
        )
    return result


def is_partly_hidden(item: Mapping) -> bool:
    """Whether a part of an object is hidden, by its masks."""
    return item['visible_mask'] != item['segmentation']


def _order_accuracy(
    truth: Sequence[Mapping], found: Sequence[Mapping], by_visible_masks: bool
) -> OrderAccuracy:
    """Pairs of all images, the predicted order from visible masks or from rates."""
    of_image = defaultdict(list)
    for pair in zip(truth, found, strict=True):
        of_image[pair[0]['image_id']].append(pair)
    leads = [np.zeros(0)]
    for matched in of_image.values():
        # the order is derived from hidden parts
        if not any(is_partly_hidden(item) for item, _ in matched):
            continue
        pairs = occlusion_order(
            [item['segmentation'] for item, _ in matched],
            [item['visible_mask'] for item, _ in matched],
        )
        if by_visible_masks:
            lead = lead_by_visible_masks(
                pairs,
                [detection['segmentation'] for _, detection in matched],
                [detection['visible_mask'] for _, detection in matched],
            )
        else:
            rates = [detection['occlusion_rate'] for _, detection in matched]
            lead = lead_by_rates(pairs, rates)
        leads.append(lead)
    return order_accuracy(np.concatenate(leads))


def _areas(rles: Sequence[RLE]) -> np.ndarray:
    return np.array(rle_areas(rles), dtype=np.int64)


def _ious(
    intersections: np.ndarray, first: np.ndarray, second: np.ndarray, counts: np.ndarray
) -> list[float | None]:
    """IoUs of masks by their areas, None where they do not count; shapes (M,)."""
    unions = np.maximum(first + second - intersections, 1)
    return np.where(counts, intersections / unions, None).tolist()
