"""Which objects a report shows."""

from collections.abc import Sequence
from typing import NamedTuple

import pycocotools.mask as mask_util

from ...evaluation import AmodalEvaluation, AmodalMatch


class Case(NamedTuple):
    """An object of the ground truth and the detection shown beside it.

    Attributes:
        object: The object as in ``AmodalEvaluation.objects``.
        detection: The detection as in ``AmodalEvaluation.detections``: the matched one,
            for a missed object the one that overlaps most; None where none does.
        amodal_iou: IoU of the amodal masks; None without a detection.
        match: The match; None for a missed object.
    """

    object: dict
    detection: dict | None
    amodal_iou: float | None = None
    match: AmodalMatch | None = None


class CaseGroup(NamedTuple):
    """Cases of one kind, in the order of :func:`select_cases`.

    Attributes:
        name: Identifier, a word.
        cases: The chosen cases.
        total: Number of cases there are.
    """

    name: str
    cases: list[Case]
    total: int


def select_cases(evaluation: AmodalEvaluation, number: int) -> list[CaseGroup]:
    """Choose what a report shows, at most ``number`` cases of each kind.

    - ``worst`` and ``best``: matched objects by amodal IoU;
    - ``missed``: objects without a match, the largest amodal area first;
    - ``occluded_as_unoccluded``, ``unoccluded_as_occluded``: matched objects whose
      annotated and predicted rates lie on different sides of the confusion's threshold,
      the largest difference first. Left out where no rates are predicted.
    """
    objects = {item['id']: item for item in evaluation.objects}
    matches = evaluation.matched.matches

    def group(name: str, chosen: Sequence[AmodalMatch]) -> CaseGroup:
        cases = [
            Case(
                objects[match.object_id],
                evaluation.detections[match.detection_id - 1],
                match.ious['full'],
                match,
            )
            for match in chosen[:number]
        ]
        return CaseGroup(name, cases, len(chosen))

    by_iou = sorted(matches, key=lambda match: match.ious['full'])
    groups = [
        group('worst', by_iou),
        _missed([objects[key] for key in evaluation.missed], evaluation, number),
    ]
    if 'occlusion_rates' not in evaluation.missing_inputs:
        by_error = sorted(matches, key=_rate_error, reverse=True)
        threshold = evaluation.matched.occluded_rate
        for name, is_occluded in (
            ('occluded_as_unoccluded', True),
            ('unoccluded_as_occluded', False),
        ):
            confused = [
                match
                for match in by_error
                if (match.annotated_occlusion_rate >= threshold) == is_occluded
                and (match.predicted_occlusion_rate >= threshold) != is_occluded
            ]
            groups.append(group(name, confused))
    groups.append(group('best', by_iou[::-1]))
    return groups


def _rate_error(match: AmodalMatch) -> float:
    return abs(match.predicted_occlusion_rate - match.annotated_occlusion_rate)


def _missed(
    missed: Sequence[dict], evaluation: AmodalEvaluation, number: int
) -> CaseGroup:
    """The largest missed objects, each with the detection that overlaps most."""
    cases = []
    for item in sorted(missed, key=lambda item: item['area'], reverse=True)[:number]:
        candidates = [
            detection
            for detection in evaluation.detections
            if detection['image_id'] == item['image_id']
        ]
        ious = mask_util.iou(
            [detection['segmentation'] for detection in candidates],
            [item['segmentation']],
            [0],
        )
        if len(candidates) == 0 or ious.max() == 0:
            cases.append(Case(item, None))
            continue
        best = int(ious.argmax())
        cases.append(Case(item, candidates[best], float(ious[best, 0])))
    return CaseGroup('missed', cases, len(missed))
