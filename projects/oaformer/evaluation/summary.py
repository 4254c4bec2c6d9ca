"""An evaluation as metrics by name, and as the tables of the log and of the report."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from terminaltables import AsciiTable

from .amodal_evaluation import AmodalEvaluation
from .average_precision import RATE_RANGES, XIAO_RANGES, CocoEvaluation
from .coco_eval import MATCH_IOU
from .matched_evaluation import MatchedEvaluation
from .occlusion_metrics import OCCLUSION_BUCKETS

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
BUCKET_LABELS = dict(
    none='none: 0', partial='partial: to 0.25', heavy='heavy: above 0.25'
) | {name: f'at least {low:.2f}' for name, (low, _) in XIAO_RANGES.items()}
KINDS = (('occluded', 'unoccluded'), ('unoccluded', 'occluded'))
NO_OBJECTS = 'no such objects'
NO_MATCH = f'no match at IoU {MATCH_IOU}'
NOTHING_HIDDEN = 'no matched object is partly hidden'


class Measurement(NamedTuple):
    """One metric.

    Attributes:
        name: Name among the results, without the prefix.
        value: None where it can't be measured.
        reason: Why it can't be measured, if it can't.
        count: Number of instances or pairs; None where it is not a mean over matches.
        group: 'matched' or a key of ``GROUPS``.
    """

    name: str
    value: float | None
    reason: str
    count: int | None = None
    group: str = 'matched'


class Table(NamedTuple):
    """A table of the log and of the report.

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
    """All metrics, measured or not, in the order of docs/metrics.md."""
    return [
        *_precision_metrics(evaluation),
        *_occlusion_metrics(evaluation),
        *_matched_metrics(evaluation),
    ]


def absent_metrics(metrics: Sequence[Measurement]) -> list[tuple[str, str]]:
    """Reasons for which metrics are not measured, and the names of these metrics.

    A whole group of ``GROUPS`` is named as such.
    """
    sizes = Counter(item.group for item in metrics)
    names_of = defaultdict(lambda: defaultdict(list))
    for item in metrics:
        if item.value is None:
            names_of[item.reason][item.group].append(item.name)
    absent = []
    for reason, groups in names_of.items():
        names = []
        for group, members in groups.items():
            is_whole = group in GROUPS and len(members) == sizes[group]
            names += [GROUPS[group]] if is_whole else members
        absent.append((reason, ', '.join(names)))
    return absent


def evaluation_tables(
    evaluation: AmodalEvaluation, metrics: Sequence[Measurement]
) -> list[Table]:
    """Tables of average precision, of occlusion rates and, with a match, of matches."""
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


def confusion_table(matched: MatchedEvaluation) -> Table:
    """Occluded and unoccluded objects, as annotated and as predicted."""
    return Table(
        'Occluded or not: matched objects and their mean amodal IoU',
        [
            *('annotated', 'predicted occluded', 'IoU'),
            *('predicted unoccluded', 'IoU', 'taken for the other'),
        ],
        [
            [
                kind,
                *(row.as_occluded.count, row.as_occluded.value),
                *(row.as_unoccluded.count, row.as_unoccluded.value),
                row.taken_for_other.value,
            ]
            for kind, row in matched.confusion.items()
        ],
        f'Occluded: an occlusion rate of at least {matched.occluded_rate:g}.',
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
    precision, recall = evaluation.average_precision, evaluation.average_recall
    return dict(
        mAP=precision(),
        mAP_50=precision(0.5),
        mAP_75=precision(0.75),
        mAP_s=precision(size='small'),
        mAP_m=precision(size='medium'),
        mAP_l=precision(size='large'),
        **{f'AR@{number}': recall(number) for number in evaluation.max_dets},
    )


def _precision_metrics(evaluation: AmodalEvaluation) -> Iterator[Measurement]:
    parts = dict(evaluation.masks, boxes=evaluation.boxes)
    for group, prefix in PREFIXES.items():
        if group in parts:
            values, reason = _values(parts[group]), NO_OBJECTS
        else:
            values = dict.fromkeys(_values(evaluation.boxes))
            reason = evaluation.missing_inputs['visible_masks']
        for name, value in values.items():
            yield Measurement(f'{prefix}_{name}', value, reason, group=group)


def _occlusion_metrics(evaluation: AmodalEvaluation) -> Iterator[Measurement]:
    plain, by_rate = map(evaluation.occlusion.get, ('ignore', 'by_rate'))
    for bucket in RATE_RANGES:
        name = f'segm_mAP_occlusion_{bucket}'
        value = plain.average_precision(size=bucket)
        yield Measurement(name, value, NO_OBJECTS, group='occlusion')
    reason = evaluation.missing_inputs.get('occlusion_rates', NO_OBJECTS)
    for bucket in XIAO_RANGES:
        value = by_rate and by_rate.average_precision(size=bucket)
        name = f'segm_mAP_occlusion_{bucket}_by_rate'
        yield Measurement(name, value, reason, group='by_rate')


def _matched_metrics(evaluation: AmodalEvaluation) -> Iterator[Measurement]:
    matched, missing = evaluation.matched, evaluation.missing_inputs
    no_masks = missing.get('visible_masks')
    no_rates = missing.get('occlusion_rates')
    reasons = dict(
        full=NO_MATCH,
        visible=no_masks or NO_MATCH,
        invisible=NOTHING_HIDDEN,
        predicted_invisible=no_masks or NOTHING_HIDDEN,
    )
    for name, reason in reasons.items():
        mean = matched.mean_ious[name]
        yield Measurement(f'mIoU_{name}', mean.value, reason, mean.count)

    number = len(matched.matches)
    for bucket, errors in matched.rate_errors.items():
        name = 'occlusion_rate_mae' + ('' if bucket == 'all' else f'_{bucket}')
        value, reason = errors.mean_absolute_error, no_rates or NO_MATCH
        yield Measurement(name, value, reason, errors.count)
    value = matched.rate_errors['all'].rank_correlation
    reason = no_rates or 'fewer than three matches, or all of one rate'
    yield Measurement('occlusion_rate_spearman', value, reason, number)
    value, reason = matched.calibration_error, no_rates or NO_MATCH
    yield Measurement('occlusion_rate_calibration_error', value, reason, number)

    for kind, other in KINDS:
        value, count = matched.confusion[kind].taken_for_other
        reason = no_rates or f'no matched object is {kind}'
        yield Measurement(f'{kind}_taken_for_{other}', value, reason, count)

    reason = 'no two matched objects hide one another'
    if no_masks and no_rates:
        reason = f'{no_masks}, {no_rates}'
    value, count = matched.order
    yield Measurement('occlusion_order_accuracy', value, reason, count)


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
