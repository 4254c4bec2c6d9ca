"""Everything that is measured on matched instances, from one list of matches."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .mask_iou import (
    MeanIoU,
    matched_invisible_ious,
    matched_ious,
    matched_predicted_invisible_ious,
    mean_iou,
)
from .matching import Matches
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


class AmodalMatch(NamedTuple):
    """A detection and the object that it found.

    Attributes:
        image_id: Their image.
        detection_id: ``id`` of the detection.
        object_id: ``id`` of the object.
        category_id: Their class.
        score: Score of the detection.
        amodal_iou: IoU of the amodal masks, at least 0.5.
        visible_iou: IoU of the visible masks; None where none were predicted or
            annotated, or both are empty.
        invisible_iou: IoU of the invisible parts if the visible mask were known
            (:func:`~.mask_iou.matched_invisible_ious`); None where nothing is hidden.
        predicted_invisible_iou: IoU of the predicted invisible masks
            (:func:`~.mask_iou.matched_predicted_invisible_ious`); None where no visible
            masks were predicted or nothing is hidden.
        predicted_occlusion_rate: In [0, 1]; None where it was not predicted.
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
        visible_iou: Mean IoU of the visible masks; None where none are predicted or
            annotated.
        invisible_iou: Mean IoU of the invisible parts if the visible masks were known.
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
    visible_iou: MeanIoU | None
    invisible_iou: MeanIoU
    predicted_invisible_iou: MeanIoU | None
    order: OrderAccuracy | None
    rate_errors: dict[str, RateErrors] | None
    calibration: list[CalibrationBin] | None
    calibration_error: float | None
    confusion: OcclusionConfusion | None


def evaluate_matches(
    objects: Sequence[Mapping],
    detections: Sequence[Mapping],
    matches: Matches,
    occluded_rate: float,
    with_visible_masks: bool,
    with_rates: bool,
) -> MatchedEvaluation:
    """Measure masks, occlusion rates and order of the matched instances.

    Args:
        objects: Ground truth as :func:`~.ground_truth.load_ground_truth` gives it.
        detections: As :func:`~.predictions.coco_detections` gives them.
        matches: Which of them belong together.
        occluded_rate: From this rate on an instance counts as occluded.
        with_visible_masks: Whether there are predicted and annotated visible masks.
        with_rates: Whether there are predicted occlusion rates.

    Returns:
        The matches with their numbers, and the numbers of all.
    """
    object_by_id = {item['id']: item for item in objects}
    detection_by_id = {item['id']: item for item in detections}
    order = np.argsort(matches.pairs[:, 0])
    amodal_ious = matches.ious[order].tolist()
    found = [detection_by_id[index] for index in matches.pairs[order, 0].tolist()]
    truth = [object_by_id[index] for index in matches.pairs[order, 1].tolist()]
    nothing = [None] * len(found)

    masks = [item['segmentation'] for item in found]
    true_masks = [item['segmentation'] for item in truth]
    true_visible = [item['visible_mask'] for item in truth]
    invisible_ious = _where_hidden(
        truth, matched_invisible_ious, masks, true_masks, true_visible
    )
    visible_ious, predicted_invisible_ious = nothing, nothing
    if with_visible_masks:
        visible = [item['visible_mask'] for item in found]
        visible_ious = matched_ious(visible, true_visible)
        predicted_invisible_ious = _where_hidden(
            truth,
            matched_predicted_invisible_ious,
            masks,
            visible,
            true_masks,
            true_visible,
        )
    rates = [item['occlusion_rate'] for item in found] if with_rates else nothing
    true_rates = [item['occlusion_rate'] for item in truth]
    calibration = calibration_table(rates, true_rates) if with_rates else None
    return MatchedEvaluation(
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
                found,
                truth,
                amodal_ious,
                visible_ious,
                invisible_ious,
                predicted_invisible_ious,
                rates,
                true_rates,
                strict=True,
            )
        ],
        full_iou=mean_iou(amodal_ious),
        visible_iou=mean_iou(visible_ious) if with_visible_masks else None,
        invisible_iou=mean_iou(invisible_ious),
        predicted_invisible_iou=(
            mean_iou(predicted_invisible_ious) if with_visible_masks else None
        ),
        order=(
            _order_accuracy(truth, found, with_visible_masks)
            if with_visible_masks or with_rates
            else None
        ),
        rate_errors=occlusion_rate_errors(rates, true_rates) if with_rates else None,
        calibration=calibration,
        calibration_error=expected_calibration_error(calibration or ()),
        confusion=(
            occlusion_confusion(rates, true_rates, amodal_ious, occluded_rate)
            if with_rates
            else None
        ),
    )


def is_partly_hidden(item: Mapping) -> bool:
    """Whether the annotated masks of an object say that a part of it is hidden."""
    return item['visible_mask'] != item['segmentation']


def _where_hidden(truth: Sequence[Mapping], function, *masks: Sequence) -> list:
    """Apply a function of masks where something is hidden; None elsewhere."""
    hidden = [index for index, item in enumerate(truth) if is_partly_hidden(item)]
    values = [None] * len(truth)
    chosen = function(*([column[index] for index in hidden] for column in masks))
    for index, value in zip(hidden, chosen, strict=True):
        values[index] = value
    return values


def _order_accuracy(
    truth: Sequence[Mapping], found: Sequence[Mapping], by_visible_masks: bool
) -> OrderAccuracy:
    """Pairs of all images, the predicted order from visible masks or from rates."""
    of_image = defaultdict(list)
    for pair in zip(truth, found, strict=True):
        of_image[pair[0]['image_id']].append(pair)
    leads = [np.zeros(0)]
    for matched in of_image.values():
        # where nothing is hidden nothing says what is in front
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
