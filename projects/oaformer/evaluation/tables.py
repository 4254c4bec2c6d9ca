"""An evaluation as tables for the log."""

from collections import defaultdict
from collections.abc import Sequence

from terminaltables import AsciiTable

from .amodal_evaluation import AmodalEvaluation
from .matching import MATCH_IOU
from .occlusion_metrics import OCCLUSION_BUCKETS
from .occlusion_precision import RATE_RANGES
from .summary import Measurement, mask_values

BUCKET_LABELS = {
    'none': 'none: 0',
    'partial': 'partial: to 0.25',
    'heavy': 'heavy: above 0.25',
    '15': 'at least 0.15',
    '25': 'at least 0.25',
    '40': 'at least 0.40',
}

WHOLE_PARTS = {
    ('amodal', False): 'amodal masks',
    ('visible', False): 'visible masks',
    ('invisible', False): 'invisible masks',
    ('occlusion', False): 'segm_mAP_occlusion_*',
    ('occlusion', True): 'segm_mAP_occlusion_*_by_rate',
}


def evaluation_tables(
    evaluation: AmodalEvaluation, metrics: Sequence[Measurement]
) -> str:
    """Tell an evaluation by groups, and what is absent and why.

    Args:
        evaluation: Result of :func:`~.amodal_evaluation.evaluate_amodal`.
        metrics: What :func:`~.summary.measurements` makes of it.

    Returns:
        Tables in plain text.
    """
    num_objects = sum(not item['iscrowd'] for item in evaluation.objects)
    lines = [
        _mask_table(evaluation),
        _occlusion_table(evaluation),
        *([_matched_table(evaluation, metrics)] if evaluation.matched.matches else []),
        f'{evaluation.engine}: {len(evaluation.matched.matches)} of {num_objects} '
        f'objects matched at IoU {MATCH_IOU}, images: {evaluation.num_images}',
        *_absent(metrics),
    ]
    return '\n'.join(lines)


def class_table(evaluation: AmodalEvaluation) -> str:
    """Tell the average precision of each class.

    Args:
        evaluation: Result of :func:`~.amodal_evaluation.evaluate_amodal`.

    Returns:
        A table in plain text of the classes that have objects, and the names of the
        others.
    """
    amodal, *others = evaluation.masks.values()
    header = ['class', 'objects', 'mAP', 'mAP_50', 'mAP_75']
    header += [f'{name} mAP' for name in list(evaluation.masks)[1:]]
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
        rows.append([name, count, *map(_text, values)])
    lines = [_table(header, rows)] if rows else []
    if without:
        lines.append(f'classes without objects: {", ".join(without)}')
    return '\n'.join(lines)


def _mask_table(evaluation: AmodalEvaluation) -> str:
    max_dets = evaluation.masks['amodal'].max_dets
    rows = [
        [name, masks.count(), *map(_text, mask_values(masks, max_dets).values())]
        for name, masks in evaluation.masks.items()
    ]
    return _table(['masks', 'objects', *mask_values(None, max_dets)], rows)


def _occlusion_table(evaluation: AmodalEvaluation) -> str:
    by_rule = evaluation.occlusion
    errors = evaluation.matched.rate_errors
    header = ['occlusion rate', 'objects', 'mAP']
    if 'by_rate' in by_rule:
        header += ['mAP_by_rate', 'mae']
    rows = []
    for bucket in RATE_RANGES:
        values = [masks.average_precision(area=bucket) for masks in by_rule.values()]
        if errors is not None:
            error = errors[bucket] if bucket in OCCLUSION_BUCKETS else None
            values.append(error and error.mean_absolute_error)
        count = by_rule['ignore'].count(bucket)
        rows.append([BUCKET_LABELS[bucket], count, *map(_text, values)])
    return _table(header, rows)


def _matched_table(evaluation: AmodalEvaluation, metrics: Sequence[Measurement]) -> str:
    matched = evaluation.matched
    counts = dict(mIoU_invisible=matched.invisible_iou.count)
    if matched.predicted_invisible_iou is not None:
        counts['mIoU_visible'] = matched.visible_iou.count
        counts['mIoU_predicted_invisible'] = matched.predicted_invisible_iou.count
    if matched.order is not None:
        counts['occlusion_order_accuracy'] = matched.order.num_pairs
    if matched.confusion is not None:
        cells = matched.confusion
        counts['occluded_taken_for_unoccluded'] = (
            cells.occluded_as_occluded.count + cells.occluded_as_unoccluded.count
        )
        counts['unoccluded_taken_for_occluded'] = (
            cells.unoccluded_as_occluded.count + cells.unoccluded_as_unoccluded.count
        )
    in_buckets = {f'occlusion_rate_mae_{bucket}' for bucket in OCCLUSION_BUCKETS}
    rows = [
        [item.name, counts.get(item.name, len(matched.matches)), _text(item.value)]
        for item in metrics
        if item.group == 'matched'
        and item.value is not None
        and item.name not in in_buckets
    ]
    return _table(['on matched objects', 'of', 'value'], rows)


def _absent(metrics: Sequence[Measurement]) -> list[str]:
    """One line for each reason. What is absent as a whole is named as such."""
    sizes, names_of = defaultdict(int), defaultdict(list)
    for item in metrics:
        part = item.group, item.name.endswith('_by_rate')
        sizes[part] += 1
        if item.reason is not None:
            names_of[item.reason, part].append(item.name)
    texts = defaultdict(list)
    for (reason, part), names in names_of.items():
        if len(names) < sizes[part] or part == ('matched', False):
            texts[reason] += names
        else:
            texts[reason].append(WHOLE_PARTS[part])
    return [
        f'not measured ({reason}): {", ".join(names)}'
        for reason, names in texts.items()
    ]


def _table(header: Sequence[str], rows: Sequence[Sequence]) -> str:
    table = AsciiTable([header, *([str(cell) for cell in row] for row in rows)])
    table.justify_columns = dict.fromkeys(range(1, len(header)), 'right')
    return table.table


def _text(value: float | None) -> str:
    return '-' if value is None else f'{value:.4f}'
