"""Tables of a report: metrics of an evaluation in words."""

from collections.abc import Mapping

from ...evaluation import AmodalEvaluation, MatchedEvaluation
from ...evaluation.occlusion_metrics import OcclusionConfusion, RateErrors
from ...evaluation.summary import mask_values
from ...evaluation.tables import BUCKET_LABELS
from .structure import Cell, Table

COLUMNS = dict(
    mAP='AP',
    mAP_50='AP50',
    mAP_75='AP75',
    mAP_s='AP small',
    mAP_m='AP medium',
    mAP_l='AP large',
)


def percent(value: float | None) -> Cell:
    """Share in percent, None where there is none."""
    return None if value is None else f'{100 * value:.1f}'


def decimal(value: float | None) -> Cell:
    """Number with three decimals, None where there is none."""
    return None if value is None else f'{value:.3f}'


def precision_table(evaluation: AmodalEvaluation) -> Table:
    """Average precision and recall of amodal, visible and invisible masks."""
    max_dets = evaluation.masks['amodal'].max_dets
    rows = [
        [
            part,
            str(result.count()),
            *map(percent, mask_values(result, max_dets).values()),
        ]
        for part, result in evaluation.masks.items()
    ]
    names = [COLUMNS.get(name, name) for name in mask_values(None, max_dets)]
    return Table(
        'Average precision and recall, in %',
        ['masks', 'objects', *names],
        rows,
        'COCO: mean over IoU 0.50 to 0.95 and over the classes with objects.',
    )


def bucket_table(evaluation: AmodalEvaluation) -> Table:
    """Average precision of amodal masks by how much of the objects is hidden."""
    rules = evaluation.occlusion
    suffixes = dict(ignore='', by_rate=' by own rate')
    header = ['annotated rate', 'objects']
    header += [f'{ap}{suffixes[rule]}' for rule in rules for ap in ('AP', 'AP50')]
    rows = []
    for bucket in rules['ignore'].areas:
        row = [BUCKET_LABELS[bucket], str(rules['ignore'].count(bucket))]
        for rule in rules.values():
            row += [percent(rule.average_precision(thr, bucket)) for thr in (None, 0.5)]
        rows.append(row)
    note = 'Objects of other rates and detections matched to them do not count. '
    note += 'AP: every unmatched detection counts in every row.'
    if 'by_rate' in rules:
        note += ' AP by own rate: only those whose own predicted rate fits the row.'
    return Table('Amodal AP by occlusion, in %', header, rows, note)


def rate_table(errors: Mapping[str, RateErrors]) -> Table:
    """Errors of the occlusion rates by bucket."""
    rows = [
        [
            'all' if bucket == 'all' else BUCKET_LABELS[bucket],
            str(result.count),
            decimal(result.mean_absolute_error),
            decimal(result.rank_correlation),
        ]
        for bucket, result in errors.items()
    ]
    return Table(
        'Occlusion rates of matched objects',
        ['annotated rate', 'matched', 'mean absolute error', 'rank correlation'],
        rows,
        'Rates are invisible area / amodal area, in [0, 1]. Rank correlation: '
        'Spearman; 1 where the more occluded object always has the higher rate, and '
        'nothing to rank where all rates are equal.',
    )


def matched_table(matched: MatchedEvaluation) -> Table:
    """Masks and occlusion order of the matched objects."""
    ious = (
        ('amodal masks', matched.full_iou),
        ('visible masks', matched.visible_iou),
        ('invisible masks', matched.predicted_invisible_iou),
        ('invisible masks, given the visible ones', matched.invisible_iou),
    )
    rows = [
        [f'mean IoU of {name}', *_of_mean(value and value[::-1])]
        for name, value in ious
    ]
    order = matched.order
    accuracy = order and (order.num_pairs, order.accuracy)
    rows.append(['pairs in the right occlusion order', *_of_mean(accuracy)])
    return Table(
        'Matched objects, in %',
        ['measure', 'objects or pairs', 'value'],
        rows,
        'Matched as COCO does at amodal IoU 0.5, class by class. Given the visible '
        'ones: IoU of what either amodal mask has outside the annotated visible one.',
    )


def class_table(evaluation: AmodalEvaluation) -> Table:
    """Average precision of every class that has objects."""
    result = evaluation.masks['amodal']
    matched = [match.category_id for match in evaluation.matched.matches]
    rows = []
    for name, category_id in evaluation.classes.items():
        count = result.count(category_id=category_id)
        if count == 0:
            continue
        values = [
            result.average_precision(iou_thr, category_id=category_id)
            for iou_thr in (None, 0.5, 0.75)
        ]
        counts = (str(count), str(matched.count(category_id)))
        rows.append([name, *counts, *map(percent, values)])
    absent = len(evaluation.classes) - len(rows)
    return Table(
        'Amodal masks by class, AP in %',
        ['class', 'objects', 'matched', 'AP', 'AP50', 'AP75'],
        rows,
        f'Classes without objects are left out: {absent}.' if absent else '',
    )


def confusion_table(confusion: OcclusionConfusion) -> Table:
    """Occluded and unoccluded, as annotated and as predicted."""

    def cell(name: str) -> str:
        count, iou = getattr(confusion, name)
        return f'{count}' if iou is None else f'{count}, IoU {iou:.3f}'

    def share(value: float | None) -> Cell:
        return None if value is None else f'{value:.1%}'

    rows = [
        [
            'occluded',
            cell('occluded_as_occluded'),
            cell('occluded_as_unoccluded'),
            share(confusion.occluded_taken_for_unoccluded),
        ],
        [
            'unoccluded',
            cell('unoccluded_as_occluded'),
            cell('unoccluded_as_unoccluded'),
            share(confusion.unoccluded_taken_for_occluded),
        ],
    ]
    return Table(
        'Occluded or not: matched objects and their mean amodal IoU',
        [
            'annotated',
            'predicted occluded',
            'predicted unoccluded',
            'taken for the other',
        ],
        rows,
        f'Occluded: an occlusion rate of at least {confusion.threshold:g}.',
    )


def _of_mean(mean: tuple[int, float | None] | None) -> list[Cell]:
    """Count and value as cells."""
    if mean is None:
        return [None, None]
    count, value = mean
    return [str(count), percent(value)]
