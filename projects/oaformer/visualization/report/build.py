"""From an evaluation to a report."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ...evaluation import AmodalEvaluation, measurements
from ..amodal_local_visualizer import AmodalLocalVisualizer
from . import charts, tables
from .cards import build_gallery
from .cases import select_cases
from .structure import Chart, Report

# Beside all objects, these have a line in the chart of precision over recall.
CURVE_BUCKETS = ('none', 'partial', 'heavy')


def build_report(
    evaluation: AmodalEvaluation,
    images: Mapping[int, Mapping],
    find_image: Callable[[int], Path],
    visualizer: AmodalLocalVisualizer,
    number: int,
    title: str,
    facts: Sequence[tuple[str, str]] = (),
) -> Report:
    """Put together what a page shows of an evaluation.

    Args:
        evaluation: The evaluation.
        images: Image (``id``, ``file_name``, ``height``, ``width``) by its id.
        find_image: Tells where the image with an id should be.
        visualizer: Draws the cases, in its own style.
        number: Number of cases of each kind.
        title: Title of the page.
        facts: Names and values to begin with, such as the config's name.

    Returns:
        The report. What can't be measured is named in ``absent``.
    """
    matched = evaluation.matched
    shown = [tables.precision_table(evaluation), tables.bucket_table(evaluation)]
    if matched.rate_errors is not None:
        shown.append(tables.rate_table(matched.rate_errors))
    shown.append(tables.matched_table(matched))
    return Report(
        title=title,
        facts=[*facts, *_facts(evaluation, len(images))],
        highlights=_highlights(evaluation),
        tables=shown,
        confusion=matched.confusion and tables.confusion_table(matched.confusion),
        absent=_absent(evaluation),
        charts=_charts(evaluation),
        galleries=[
            build_gallery(group, evaluation.classes, images, find_image, visualizer)
            for group in select_cases(evaluation, number)
        ],
        class_table=tables.class_table(evaluation),
    )


def _facts(evaluation: AmodalEvaluation, num_images: int) -> list[tuple[str, str]]:
    objects = [item for item in evaluation.objects if not item['iscrowd']]
    matched, found = len(evaluation.matched.matches), len(evaluation.detections)
    return [
        ('images', f'{evaluation.num_images} of the {num_images} that are annotated'),
        ('objects', f'{len(objects)}, {matched} of them matched at amodal IoU 0.5'),
        ('detections', f'{found}, {len(evaluation.false_positives)} of them unmatched'),
    ]


def _highlights(evaluation: AmodalEvaluation) -> list[tuple[str, str]]:
    """The few numbers to look at first; without those that can't be measured."""
    values = []
    for part, result in evaluation.masks.items():
        values.append((f'{part} AP', tables.percent(result.average_precision())))
        values.append((f'{part} AP50', tables.percent(result.average_precision(0.5))))
    matched = evaluation.matched
    if matched.rate_errors is not None:
        error = matched.rate_errors['all'].mean_absolute_error
        values.append(('error of the occlusion rate', tables.decimal(error)))
    if matched.confusion is not None:
        for name in ('occluded_taken_for_unoccluded', 'unoccluded_taken_for_occluded'):
            share = tables.percent(getattr(matched.confusion, name))
            values.append((name.replace('_', ' '), share and f'{share} %'))
    return [(name, value) for name, value in values if value is not None]


def _absent(evaluation: AmodalEvaluation) -> list[tuple[str, str]]:
    """What could not be measured, by reason; a whole group by its name."""
    metrics = measurements(evaluation)
    sizes = Counter(item.group for item in metrics)
    absent = defaultdict(lambda: defaultdict(list))
    for item in metrics:
        if item.reason is not None:
            absent[item.reason][item.group].append(item.name)
    return [
        (
            reason,
            ', '.join(
                f'all of {group}' if len(names) == sizes[group] else ', '.join(names)
                for group, names in groups.items()
            ),
        )
        for reason, groups in absent.items()
    ]


def _charts(evaluation: AmodalEvaluation) -> list[Chart]:
    return [*_rate_charts(evaluation), _precision_chart(evaluation)]


def _rate_charts(evaluation: AmodalEvaluation) -> list[Chart]:
    matched = evaluation.matched
    titles = ('Occlusion rates', 'Calibration')
    reason = evaluation.missing_inputs.get('occlusion_rates')
    if reason is None and not matched.matches:
        reason = 'no match'
    if reason is not None:
        return [Chart(title, None, f'Not measurable: {reason}.') for title in titles]
    predicted = [match.predicted_occlusion_rate for match in matched.matches]
    annotated = [match.annotated_occlusion_rate for match in matched.matches]
    threshold = matched.confusion.threshold
    return [
        Chart(
            titles[0],
            charts.rate_scatter(predicted, annotated, threshold),
            'A point for every matched object; on the diagonal the rate is right. '
            f'Dotted: {threshold:g}, from which on an object counts as occluded.',
        ),
        Chart(
            titles[1],
            charts.calibration_chart(matched.calibration),
            'Below the diagonal the predicted rates are too high, above it too low. '
            f'Expected calibration error: {matched.calibration_error:.3f}.',
        ),
    ]


def _precision_chart(evaluation: AmodalEvaluation) -> Chart:
    title = 'Precision over recall by occlusion'
    rule = 'by_rate' if 'by_rate' in evaluation.occlusion else 'ignore'
    buckets = evaluation.occlusion[rule]
    curves = dict(all=evaluation.masks['amodal'].precision_recall_curve(0.5))
    for bucket in CURVE_BUCKETS:
        curves[bucket] = buckets.precision_recall_curve(0.5, bucket)
    curves = {name: curve for name, curve in curves.items() if curve is not None}
    if not curves:
        return Chart(title, None, 'Not measurable: no annotated objects.')
    note = 'Amodal masks at IoU 0.5, mean over the classes. Unmatched detections count '
    if rule == 'by_rate':
        note += 'in the bucket of their own predicted rate.'
    else:
        note += 'in every bucket.'
    return Chart(title, charts.precision_recall_chart(curves), note)
