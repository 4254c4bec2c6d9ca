"""From an evaluation to a report, and from a report to its page."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from ...evaluation import AmodalEvaluation, measurements
from ...evaluation.occlusion_metrics import OCCLUSION_BUCKETS
from ...evaluation.summary import (
    KINDS,
    Table,
    absent_metrics,
    class_table,
    confusion_table,
    evaluation_tables,
)
from ..amodal_local_visualizer import AmodalLocalVisualizer
from . import charts
from .cards import Gallery, build_gallery
from .cases import select_cases


class Chart(NamedTuple):
    """A chart, or the reason why there is none.

    Attributes:
        title: Heading.
        svg: The chart as an SVG element; None where it can't be drawn.
        note: How to read it, or why it is missing.
    """

    title: str
    svg: str | None
    note: str


class Report(NamedTuple):
    """The whole page.

    Attributes:
        title: Title of the page.
        facts: Names and values: what was evaluated.
        highlights: Names and values of the few most important numbers.
        tables: Tables of metrics.
        confusion: Table of occluded and unoccluded objects; None without rates.
        absent: Reasons, each with the names of what could not be measured for it.
        charts: Charts of rates and precision.
        galleries: Cases of each kind.
        class_table: Table of the classes.
    """

    title: str
    facts: list[tuple[str, str]]
    highlights: list[tuple[str, str]]
    tables: list[Table]
    confusion: Table | None
    absent: list[tuple[str, str]]
    charts: list[Chart]
    galleries: list[Gallery]
    class_table: Table


def build_report(
    evaluation: AmodalEvaluation,
    images: Mapping[int, Mapping],
    find_image: Callable[[int], Path],
    visualizer: AmodalLocalVisualizer,
    number: int,
    title: str,
    facts: Sequence[tuple[str, str]],
) -> Report:
    """Put together what a page shows of an evaluation.

    Args:
        evaluation: The evaluation.
        images: Image (``id``, ``file_name``, ``height``, ``width``) by its id.
        find_image: Path of the image with an id.
        visualizer: Draws the cases, in its own style.
        number: Number of cases of each kind.
        title: Title of the page.
        facts: Names and values to begin with, such as the config's name.
    """
    metrics = measurements(evaluation)
    confusion = None
    if 'occlusion_rates' not in evaluation.missing_inputs:
        confusion = confusion_table(evaluation.matched)
    return Report(
        title=title,
        facts=[*facts, *_facts(evaluation, len(images))],
        highlights=_highlights(evaluation),
        tables=evaluation_tables(evaluation, metrics),
        confusion=confusion,
        absent=absent_metrics(metrics),
        charts=[*_rate_charts(evaluation), _precision_chart(evaluation)],
        galleries=[
            build_gallery(group, evaluation.classes, images, find_image, visualizer)
            for group in select_cases(evaluation, number)
        ],
        class_table=class_table(evaluation),
    )


def _facts(evaluation: AmodalEvaluation, num_images: int) -> list[tuple[str, str]]:
    objects = evaluation.masks['amodal'].count()
    matched, found = len(evaluation.matched.matches), len(evaluation.detections)
    facts = [
        ('images', f'{evaluation.num_images} of the {num_images} that are annotated'),
        ('objects', f'{objects}, {matched} of them matched at amodal IoU 0.5'),
        ('detections', f'{found}, {len(evaluation.false_positives)} of them unmatched'),
    ]
    if evaluation.rates_derived:
        facts.append(('occlusion rates', 'derived from the predicted masks'))
    return facts


def _highlights(evaluation: AmodalEvaluation) -> list[tuple[str, str]]:
    """The few numbers to look at first; without those that can't be measured."""
    values = []
    for part, result in evaluation.masks.items():
        values.append((f'{part} AP', result.average_precision()))
        values.append((f'{part} AP50', result.average_precision(0.5)))
    values.append(('box AP', evaluation.boxes.average_precision()))
    matched = evaluation.matched
    error = matched.rate_errors['all'].mean_absolute_error
    values.append(('error of the occlusion rate', error))
    for kind, other in KINDS:
        share = matched.confusion[kind].taken_for_other.value
        values.append((f'{kind} taken for {other}', share))
    return [(name, f'{100 * value:.1f}') for name, value in values if value is not None]


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
    threshold = matched.occluded_rate
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
    buckets = evaluation.occlusion['ignore']
    curves = dict(all=evaluation.masks['amodal'].precision_recall_curve())
    for bucket in OCCLUSION_BUCKETS:
        curves[bucket] = buckets.precision_recall_curve(bucket)
    curves = {name: curve for name, curve in curves.items() if curve is not None}
    if not curves:
        return Chart(title, None, 'Not measurable: no annotated objects.')
    return Chart(
        title,
        charts.precision_recall_chart(curves),
        'Amodal masks at IoU 0.5, mean over the classes. Unmatched detections count in '
        'every bucket.',
    )


def render_report(report: Report) -> str:
    """Render a report as one HTML file without scripts that needs no other files.

    The report's texts are escaped; charts are put in as they are.
    """
    environment = Environment(
        loader=PackageLoader(__package__, '.'),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template('report.html.jinja').render(report._asdict())
