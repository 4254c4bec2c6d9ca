"""An evaluation as metrics by name, and as the tables of the log and of the report."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from terminaltables import AsciiTable

from .amodal_evaluation import AmodalEvaluation
from .average_precision import RATE_RANGES, XIAO_RANGES, CocoEvaluation
from .coco_eval import MATCH_IOU
from .occlusion_metrics import OCCLUSION_BUCKETS, OcclusionConfusion

PREFIXES = dict(
    amodal='segm', visible='visible_segm', invisible='invisible_segm', boxes='bbox'
)
# Names of the groups of which all or nothing is measurable.
GROUPS = dict(
    amodal='amodal masks',
    visible='visible masks',
    invisible='invisible masks',
    boxes='boxes',
    occlusion='segm_mAP_occlusion_*',
    by_rate='segm_mAP_occlusion_*_by_rate',
)
BUCKET_LABELS = {
    'none': 'none: 0',
    'partial': 'partial: to 0.25',
    'heavy': 'heavy: above 0.25',
    '15': 'at least 0.15',
    '25': 'at least 0.25',
    '40': 'at least 0.40',
}
KINDS = (('occluded', 'unoccluded'), ('unoccluded', 'occluded'))
NO_OBJECTS = 'no such objects'
NO_MATCH = f'no match at IoU {MATCH_IOU}'
NOTHING_HIDDEN = 'no matched object is partly hidden'


class Measurement(NamedTuple):
    """One metric.

    Attributes:
        group: 'matched' or a key of ``GROUPS``.
        name: Its name among the results, without the prefix.
        value: Its value, None where it can't be measured.
        reason: Why it can't be measured, None where it can.
        count: Number of instances or pairs that it is measured on; None where it is not
            a mean over matches.
    """

    group: str
    name: str
    value: float | None
    reason: str | None
    count: int | None = None


class Table(NamedTuple):
    """A table of numbers.

    Attributes:
        title: Heading.
        header: Names of the columns; the first column names the rows.
        rows: Cells, one per column: texts, counts (int) and values (float) in [-1, 1];
            None where there is nothing to measure.
        note: What the numbers mean, in a sentence or two.
    """

    title: str
    header: list[str]
    rows: list[list[str | int | float | None]]
    note: str = ''


def measurements(evaluation: AmodalEvaluation) -> list[Measurement]:
    """List all metrics, measured or not.

    Args:
        evaluation: Result of :func:`~.amodal_evaluation.evaluate_amodal`.

    Returns:
        The metrics in the order of docs/metrics.md.
    """
    return [
        Measurement(group, name, value, reason if value is None else None, *count)
        for group, name, value, reason, *count in (
            *_precision_metrics(evaluation),
            *_occlusion_metrics(evaluation),
            *(('matched', *entry) for entry in _matched_metrics(evaluation)),
        )
    ]


def absent_metrics(metrics: Sequence[Measurement]) -> list[tuple[str, str]]:
    """Reasons for which metrics are not measured, each with their names.

    Args:
        metrics: Result of :func:`measurements`.

    Returns:
        Reason and names; a whole group of ``GROUPS`` by its name.
    """
    sizes = Counter(item.group for item in metrics)
    names_of = defaultdict(lambda: defaultdict(list))
    for item in metrics:
        if item.reason is not None:
            names_of[item.reason][item.group].append(item.name)
    return [
        (
            reason,
            ', '.join(
                GROUPS[group]
                if group in GROUPS and len(names) == sizes[group]
                else ', '.join(names)
                for group, names in groups.items()
            ),
        )
        for reason, groups in names_of.items()
    ]


def evaluation_tables(
    evaluation: AmodalEvaluation, metrics: Sequence[Measurement]
) -> list[Table]:
    """Lay an evaluation out.

    Args:
        evaluation: Result of :func:`~.amodal_evaluation.evaluate_amodal`.
        metrics: Result of :func:`measurements`.

    Returns:
        Tables of average precision, of occlusion rates and, with a match, of matches.
    """
    tables = [_precision_table(evaluation), _occlusion_table(evaluation)]
    if evaluation.matched.matches:
        tables.append(_matched_table(metrics))
    return tables


def class_table(evaluation: AmodalEvaluation) -> Table:
    """Average precision of each class that has objects; the note names the others."""
    amodal, *others = evaluation.masks.values()
    matched = Counter(match.category_id for match in evaluation.matched.matches)
    rows, without = [], []
    for name, category_id in evaluation.classes.items():
        count = amodal.count(category_id=category_id)
        if count == 0:
            without.append(name)
            continue
        values = [
            amodal.average_precision(iou_thr, category_id=category_id)
            for iou_thr in (None, 0.5, 0.75)
        ]
        values += [part.average_precision(category_id=category_id) for part in others]
        rows.append([name, count, matched[category_id], *values])
    header = ['class', 'objects', 'matched', 'mAP', 'mAP_50', 'mAP_75']
    header += [f'{name} mAP' for name in list(evaluation.masks)[1:]]
    note = f'classes without objects: {", ".join(without)}' if without else ''
    return Table('Amodal masks by class', header, rows, note)


def confusion_table(confusion: OcclusionConfusion) -> Table:
    """Occluded and unoccluded objects, as annotated and as predicted."""
    rows = [
        [
            kind,
            *getattr(confusion, f'{kind}_as_occluded'),
            *getattr(confusion, f'{kind}_as_unoccluded'),
            getattr(confusion, f'{kind}_taken_for_{other}'),
        ]
        for kind, other in KINDS
    ]
    return Table(
        'Occluded or not: matched objects and their mean amodal IoU',
        [
            *('annotated', 'predicted occluded', 'IoU'),
            *('predicted unoccluded', 'IoU', 'taken for the other'),
        ],
        rows,
        f'Occluded: an occlusion rate of at least {confusion.threshold:g}.',
    )


def as_text(table: Table) -> str:
    """A table in plain text, without its note."""

    def text(cell: str | int | float | None) -> str:
        if isinstance(cell, float):
            return f'{cell:.4f}'
        return '-' if cell is None else str(cell)

    rows = [[text(cell) for cell in row] for row in table.rows]
    result = AsciiTable([table.header, *rows], table.title)
    result.justify_columns = dict.fromkeys(range(1, len(table.header)), 'right')
    return result.table


def _values(evaluation: CocoEvaluation) -> dict[str, float | None]:
    """COCO's summary by MMDetection's names."""
    arguments = dict(
        mAP={},
        mAP_50=dict(iou_thr=0.5),
        mAP_75=dict(iou_thr=0.75),
        mAP_s=dict(size='small'),
        mAP_m=dict(size='medium'),
        mAP_l=dict(size='large'),
    )
    values = {
        name: evaluation.average_precision(**kw) for name, kw in arguments.items()
    }
    return values | {
        f'AR@{number}': evaluation.average_recall(number)
        for number in evaluation.max_dets
    }


def _precision_metrics(evaluation: AmodalEvaluation) -> Iterator[tuple]:
    parts = dict(evaluation.masks, boxes=evaluation.boxes)
    names = list(_values(evaluation.boxes))
    for group, prefix in PREFIXES.items():
        values, reason = {}, evaluation.missing_inputs.get('visible_masks')
        if group in parts:
            values, reason = _values(parts[group]), NO_OBJECTS
        for name in names:
            yield group, f'{prefix}_{name}', values.get(name), reason


def _occlusion_metrics(evaluation: AmodalEvaluation) -> Iterator[tuple]:
    plain, by_rate = map(evaluation.occlusion.get, ('ignore', 'by_rate'))
    for bucket in RATE_RANGES:
        value = plain.average_precision(size=bucket)
        yield 'occlusion', f'segm_mAP_occlusion_{bucket}', value, NO_OBJECTS
    reason = evaluation.missing_inputs.get('occlusion_rates', NO_OBJECTS)
    for bucket in XIAO_RANGES:
        value = by_rate and by_rate.average_precision(size=bucket)
        yield 'by_rate', f'segm_mAP_occlusion_{bucket}_by_rate', value, reason


def _matched_metrics(evaluation: AmodalEvaluation) -> Iterator[tuple]:
    matched, missing = evaluation.matched, evaluation.missing_inputs
    no_masks = missing.get('visible_masks')
    no_rates = missing.get('occlusion_rates')
    for name, mean, reason in (
        ('full', matched.full_iou, NO_MATCH),
        ('visible', matched.visible_iou, no_masks or NO_MATCH),
        ('invisible', matched.invisible_iou, NOTHING_HIDDEN),
        (
            'predicted_invisible',
            matched.predicted_invisible_iou,
            no_masks or NOTHING_HIDDEN,
        ),
    ):
        yield f'mIoU_{name}', mean and mean.value, reason, mean and mean.count

    errors, number = matched.rate_errors, len(matched.matches)
    for bucket in ('all', *OCCLUSION_BUCKETS):
        suffix = '' if bucket == 'all' else f'_{bucket}'
        value = errors and errors[bucket].mean_absolute_error
        count = errors and errors[bucket].count
        yield f'occlusion_rate_mae{suffix}', value, no_rates or NO_MATCH, count
    yield (
        'occlusion_rate_spearman',
        errors and errors['all'].rank_correlation,
        no_rates or 'fewer than three matches, or all of one rate',
        number,
    )
    yield (
        'occlusion_rate_calibration_error',
        matched.calibration_error,
        no_rates or NO_MATCH,
        number,
    )

    confusion = matched.confusion
    for kind, other in KINDS:
        name = f'{kind}_taken_for_{other}'
        count = confusion and sum(
            getattr(confusion, f'{kind}_as_{side}').count for side in (kind, other)
        )
        yield (
            name,
            confusion and getattr(confusion, name),
            no_rates or f'no matched object is {kind}',
            count,
        )

    order = matched.order
    yield (
        'occlusion_order_accuracy',
        order and order.accuracy,
        f'{no_masks}, {no_rates}'
        if order is None
        else 'no two matched objects hide one another',
        order and order.num_pairs,
    )


def _precision_table(evaluation: AmodalEvaluation) -> Table:
    parts = dict(evaluation.masks, boxes=evaluation.boxes)
    return Table(
        'Average precision and recall',
        ['', 'objects', *_values(evaluation.boxes)],
        [
            [GROUPS[group], part.count(), *_values(part).values()]
            for group, part in parts.items()
        ],
        'COCO: mean over IoU 0.50 to 0.95 and over the classes with objects.',
    )


def _occlusion_table(evaluation: AmodalEvaluation) -> Table:
    amodal, plain = evaluation.masks['amodal'], evaluation.occlusion['ignore']
    by_rate = evaluation.occlusion.get('by_rate')
    errors = evaluation.matched.rate_errors
    rows = [['all', amodal.count(), amodal.average_precision()]]
    rows += [
        [BUCKET_LABELS[name], plain.count(name), plain.average_precision(size=name)]
        for name in RATE_RANGES
    ]
    header = ['annotated rate', 'objects', 'mAP']
    note = 'Objects of other rates and detections matched to them do not count. mAP: '
    note += 'every unmatched detection counts in every row.'
    if by_rate is not None:
        header += ['mAP_by_rate', 'matched', 'mae', 'spearman']
        note += (
            ' mAP_by_rate: only those whose own occlusion rate lies in the row. Of '
            'matched objects: mean absolute error and rank correlation of the rates.'
        )
        for name, row in zip(('all', *RATE_RANGES), rows, strict=True):
            in_range = name in by_rate.ranges
            row.append(by_rate.average_precision(size=name) if in_range else None)
            error = errors.get(name)
            row += [None] * 3 if error is None else [error.count, *error[:2]]
    return Table('Amodal masks by occlusion rate', header, rows, note)


def _matched_table(metrics: Sequence[Measurement]) -> Table:
    in_buckets = {f'occlusion_rate_mae_{bucket}' for bucket in OCCLUSION_BUCKETS}
    return Table(
        'Matched objects',
        ['measure', 'objects or pairs', 'value'],
        [
            [item.name, item.count, item.value]
            for item in metrics
            if item.group == 'matched'
            and item.value is not None
            and item.name not in in_buckets
        ],
        'Matched as COCO does at amodal IoU 0.5, class by class. mIoU_invisible: of '
        'the amodal masks outside the annotated visible one. Names: docs/metrics.md.',
    )
