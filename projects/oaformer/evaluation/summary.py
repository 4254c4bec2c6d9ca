"""The names of the metrics, and why one of them is absent."""

from collections.abc import Iterator
from typing import NamedTuple

from .amodal_evaluation import AmodalEvaluation
from .functional import MaskEvaluation
from .occlusion_metrics import OCCLUSION_BUCKETS
from .occlusion_precision import RATE_RANGES

MASKS = ('amodal', 'visible', 'invisible')
NO_OBJECTS = 'no such objects'
NO_MATCH = 'no match at IoU 0.5'
NOTHING_HIDDEN = 'no matched object is partly hidden'


class Measurement(NamedTuple):
    """One metric.

    Attributes:
        group: 'amodal', 'visible', 'invisible', 'occlusion' or 'matched'.
        name: Its name among the results, without the prefix.
        value: Its value, None where it can't be measured.
        reason: Why it can't be measured, None where it can.
    """

    group: str
    name: str
    value: float | None
    reason: str | None


def measurements(evaluation: AmodalEvaluation) -> list[Measurement]:
    """List all metrics, measured or not.

    Args:
        evaluation: Result of :func:`~.amodal_evaluation.evaluate_amodal`.

    Returns:
        The metrics in the order of docs/metrics.md.
    """
    return [
        Measurement(group, name, value, reason if value is None else None)
        for group, name, value, reason in (
            *_mask_metrics(evaluation),
            *_occlusion_metrics(evaluation),
            *(('matched', *entry) for entry in _matched_metrics(evaluation)),
        )
    ]


def _mask_metrics(evaluation: AmodalEvaluation) -> Iterator[tuple]:
    max_dets = evaluation.masks['amodal'].max_dets
    for group in MASKS:
        masks = evaluation.masks.get(group)
        reason = NO_OBJECTS
        if masks is None:
            reason = evaluation.missing_inputs['visible_masks']
        prefix = 'segm' if group == 'amodal' else f'{group}_segm'
        for name, value in mask_values(masks, max_dets).items():
            yield group, f'{prefix}_{name}', value, reason


def mask_values(
    masks: MaskEvaluation | None, max_dets: tuple[int, ...]
) -> dict[str, float | None]:
    """COCO's summary by MMDetection's names.

    Args:
        masks: Precision and recall; None where there are none.
        max_dets: Detection limits per image.

    Returns:
        Values in [0, 1] by name, such as 'mAP_50', None where not measurable.
    """
    arguments = dict(
        mAP={},
        mAP_50=dict(iou_thr=0.5),
        mAP_75=dict(iou_thr=0.75),
        mAP_s=dict(area='small'),
        mAP_m=dict(area='medium'),
        mAP_l=dict(area='large'),
    )
    if masks is None:
        return dict.fromkeys((*arguments, *(f'AR@{number}' for number in max_dets)))
    values = {name: masks.average_precision(**kw) for name, kw in arguments.items()}
    for number in max_dets:
        values[f'AR@{number}'] = masks.average_recall(number)
    return values


def _occlusion_metrics(evaluation: AmodalEvaluation) -> Iterator[tuple]:
    for rule, suffix in (('ignore', ''), ('by_rate', '_by_rate')):
        masks = evaluation.occlusion.get(rule)
        for bucket in RATE_RANGES:
            name = f'segm_mAP_occlusion_{bucket}{suffix}'
            if masks is None:
                reason = evaluation.missing_inputs['occlusion_rates']
                yield 'occlusion', name, None, reason
            else:
                value = masks.average_precision(area=bucket)
                yield 'occlusion', name, value, NO_OBJECTS


def _matched_metrics(evaluation: AmodalEvaluation) -> Iterator[tuple]:
    matched, missing = evaluation.matched, evaluation.missing_inputs
    no_masks = missing.get('visible_masks')
    no_rates = missing.get('occlusion_rates')
    visible, invisible = matched.visible_iou, matched.predicted_invisible_iou
    yield 'mIoU_full', matched.full_iou.value, NO_MATCH
    yield 'mIoU_visible', visible and visible.value, no_masks or NO_MATCH
    yield 'mIoU_invisible', matched.invisible_iou.value, NOTHING_HIDDEN
    yield (
        'mIoU_predicted_invisible',
        invisible and invisible.value,
        no_masks or NOTHING_HIDDEN,
    )

    errors = matched.rate_errors
    for bucket in ('all', *OCCLUSION_BUCKETS):
        suffix = '' if bucket == 'all' else f'_{bucket}'
        value = errors and errors[bucket].mean_absolute_error
        yield f'occlusion_rate_mae{suffix}', value, no_rates or NO_MATCH
    yield (
        'occlusion_rate_spearman',
        errors and errors['all'].rank_correlation,
        no_rates or 'fewer than three matches, or all of one rate',
    )
    yield (
        'occlusion_rate_calibration_error',
        matched.calibration_error,
        no_rates or NO_MATCH,
    )

    confusion = matched.confusion
    for name, kind in (
        ('occluded_taken_for_unoccluded', 'occluded'),
        ('unoccluded_taken_for_occluded', 'unoccluded'),
    ):
        value = confusion and getattr(confusion, name)
        yield name, value, no_rates or f'no matched object is {kind}'

    order = matched.order
    yield (
        'occlusion_order_accuracy',
        order and order.accuracy,
        f'{no_masks}, {no_rates}'
        if order is None
        else 'no two matched objects hide one another',
    )
