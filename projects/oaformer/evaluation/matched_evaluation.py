"""What is measured on matched instances: IoU of masks, occlusion rates and order."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..datasets.annotation import only_rate_hides
from ..structures import RLE, intersection_areas, rle_areas
from .coco_eval import CocoMatches
from .occlusion_metrics import (
    CalibrationBin,
    Mean,
    OcclusionConfusion,
    RateErrors,
    calibration_table,
    expected_calibration_error,
    mean_of,
    occlusion_confusion,
    occlusion_rate_errors,
)
from .occlusion_order import lead_by_rates, lead_by_visible_masks, occlusion_order


class AmodalMatch(NamedTuple):
    """A detection and the object that it is matched to.

    Attributes:
        detection_id: ``id`` of the detection.
        object_id: ``id`` of the object.
        category_id: Their class.
        ious: IoUs by name: 'full', of the amodal masks, at least 0.5, and those of
            :func:`matched_ious`.
        predicted_occlusion_rate: In [0, 1]; None where it is not predicted.
        annotated_occlusion_rate: In [0, 1].
    """

    detection_id: int
    object_id: int
    category_id: int
    ious: dict[str, float | None]
    predicted_occlusion_rate: float | None
    annotated_occlusion_rate: float


class MatchedEvaluation(NamedTuple):
    """Result of :func:`evaluate_matches`.

    Attributes:
        matches: The matches, in the order of the detections' ids.
        mean_ious: Mean IoUs by the names of ``AmodalMatch.ious``. 'full' and
            'invisible' are mIoU-full and mIoU-occ of C2F-Seg, means over instances, not
            over pixels or classes. C2F-Seg scores masks for given objects; here an
            object that is not matched doesn't count.
        order: Accuracy of the pairwise occlusion order; an undecided pair is wrong.
            Without predicted visible masks and rates there is no pair.
        rate_errors: Errors of the occlusion rates by bucket, 'all' included. Without
            predicted rates this and the next three are measured on no match.
        calibration: Calibration table of the rates.
        calibration_error: Expected calibration error, None without a match.
        confusion: Of the 'occluded' and of the 'unoccluded' instances.
        occluded_rate: Smallest occlusion rate of an occluded instance.
    """

    matches: list[AmodalMatch]
    mean_ious: dict[str, Mean]
    order: Mean
    rate_errors: dict[str, RateErrors]
    calibration: list[CalibrationBin]
    calibration_error: float | None
    confusion: dict[str, OcclusionConfusion]
    occluded_rate: float


def matched_ious(
    predicted: Sequence[RLE],
    annotated: Sequence[RLE],
    annotated_visible: Sequence[RLE],
    predicted_visible: Sequence[RLE] | None = None,
) -> dict[str, list[float | None]]:
    """IoUs of the visible and invisible masks of matched instances.

    Only areas of intersections are needed, no mask is decoded.

    Args:
        predicted: M predicted amodal masks.
        annotated: M annotated amodal masks, in the same order.
        annotated_visible: Their visible masks, each inside its amodal mask.
        predicted_visible: Predicted visible masks, each inside its amodal mask; None
            where there are none.

    Returns:
        M IoUs in [0, 1] by name, None for an instance that has none:

        - 'visible': of the visible masks; None where both are empty;
        - 'invisible': of the predicted amodal mask without the **annotated** visible
          mask and the annotated amodal mask without it; None where nothing is hidden.
          It is mIoU-occ of C2F-Seg (Gao et al., Coarse-to-fine amodal segmentation with
          shape prior, ICCV 2023, whose model gets the visible masks);
        - 'predicted_invisible': the same with the **predicted** visible mask taken away
          from the predicted amodal one (ORCNN, Follmann et al., WACV 2019), so it
          measures as well whether the model knows which part is hidden.

        Without predicted visible masks the first and the last are all None.

    Raises:
        ValueError: If the lengths or the sizes of masks differ.
    """
    seen = _areas(annotated_visible)
    hidden = _areas(annotated) - seen
    whole = intersection_areas(predicted, annotated)
    taken = intersection_areas(predicted, annotated_visible)
    areas = _areas(predicted)
    nothing = [None] * len(annotated)
    ious = dict(
        visible=nothing,
        invisible=_ious(whole - taken, areas - taken, hidden, hidden > 0),
        predicted_invisible=nothing,
    )
    if predicted_visible is not None:
        both = intersection_areas(predicted_visible, annotated_visible)
        visible_areas = _areas(predicted_visible)
        ious['visible'] = _ious(both, visible_areas, seen, visible_areas + seen > 0)
        # |(P - p) & (G - g)| with p inside P and g inside G
        shared = whole - taken - intersection_areas(predicted_visible, annotated) + both
        ious['predicted_invisible'] = _ious(
            shared, areas - visible_areas, hidden, hidden > 0
        )
    return ious


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
    by_detection = np.argsort(matches.pairs[:, 0])
    pairs = matches.pairs[by_detection].tolist()
    found = [detection_by_id[detection_id] for detection_id, _ in pairs]
    truth = [object_by_id[object_id] for _, object_id in pairs]

    ious = dict(full=matches.ious[by_detection].tolist())
    ious |= matched_ious(
        [item['segmentation'] for item in found],
        [item['segmentation'] for item in truth],
        [item['visible_mask'] for item in truth],
        [item['visible_mask'] for item in found] if with_visible_masks else None,
    )
    ious['visible'] = [
        None if has_unknown_parts(item) else iou
        for item, iou in zip(truth, ious['visible'], strict=True)
    ]
    matched = [
        AmodalMatch(
            *pair,
            item['category_id'],
            dict(zip(ious, values, strict=True)),
            detection['occlusion_rate'],
            item['occlusion_rate'],
        )
        for pair, detection, item, *values in zip(
            pairs, found, truth, *ious.values(), strict=True
        )
    ]
    leads = np.zeros(0)
    if with_visible_masks or with_rates:
        leads = _order_leads(truth, found, with_visible_masks)
    with_rate = matched if with_rates else []
    rates = [match.predicted_occlusion_rate for match in with_rate]
    true_rates = [match.annotated_occlusion_rate for match in with_rate]
    amodal_ious = [match.ious['full'] for match in with_rate]
    calibration = calibration_table(rates, true_rates)
    return MatchedEvaluation(
        matches=matched,
        mean_ious={name: mean_of(values) for name, values in ious.items()},
        order=mean_of(leads > 0),
        rate_errors=occlusion_rate_errors(rates, true_rates),
        calibration=calibration,
        calibration_error=expected_calibration_error(calibration),
        confusion=occlusion_confusion(rates, true_rates, amodal_ious, occluded_rate),
        occluded_rate=occluded_rate,
    )


def is_partly_hidden(item: Mapping) -> bool:
    """Whether a part of an object is hidden, by its masks."""
    return item['visible_mask'] != item['segmentation']


def has_unknown_parts(item: Mapping) -> bool:
    """Whether a part of an annotated object is hidden, and no mask says which."""
    return only_rate_hides(
        item['segmentation'], item['visible_mask'], item['occlusion_rate']
    )


def _order_leads(
    truth: Sequence[Mapping], found: Sequence[Mapping], by_visible_masks: bool
) -> np.ndarray:
    """Predicted leads of the front objects in the annotated pairs of all images.

    Right ones as in deocclusion (Zhan et al., CVPR 2020, ``eval_order``, occluding
    pairs): above zero. They come from visible masks or from rates.
    """
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
    return np.concatenate(leads)


def _areas(rles: Sequence[RLE]) -> np.ndarray:
    return np.array(rle_areas(rles), dtype=np.int64)


def _ious(
    intersections: np.ndarray, first: np.ndarray, second: np.ndarray, counts: np.ndarray
) -> list[float | None]:
    """IoUs of masks by their areas, None where they do not count; shapes (M,)."""
    unions = np.maximum(first + second - intersections, 1)
    return np.where(counts, intersections / unions, None).tolist()
