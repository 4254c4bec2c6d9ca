"""Charts as inline SVG that takes the color of its text from the page around it."""

import io
import re
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...evaluation.occlusion_metrics import CalibrationBin

# Replaced by the text color of the page when the SVG is written.
INK = '#010203'
# Dark enough on white, light enough on black.
BLUE, ORANGE, VIOLET, GREEN = '#3d8bd9', '#e07b28', '#a566d6', '#2f9e6e'
LINES = ((INK, '-'), (GREEN, '-'), (BLUE, '--'), (ORANGE, '-.'))
STYLE = {
    'axes.edgecolor': INK,
    'axes.facecolor': 'none',
    'axes.grid': True,
    'axes.labelcolor': INK,
    'axes.spines.right': False,
    'axes.spines.top': False,
    'figure.facecolor': 'none',
    'font.size': 10,
    'grid.alpha': 0.15,
    'grid.color': INK,
    'legend.frameon': False,
    'savefig.facecolor': 'none',
    # Text stays text, and the same numbers give the same file.
    'svg.fonttype': 'none',
    'svg.hashsalt': 'oaformer',
    'text.color': INK,
    'xtick.color': INK,
    'ytick.color': INK,
}
SIZE = (4.4, 4.2)


def rate_scatter(
    predicted: Sequence[float], annotated: Sequence[float], threshold: float
) -> str:
    """Draw predicted over annotated occlusion rates, one point per match, as SVG.

    Args:
        predicted: Predicted rates in [0, 1], shape (M,).
        annotated: Annotated rates in [0, 1], shape (M,).
        threshold: Rate from which on an object counts as occluded.
    """
    predicted, annotated = np.asarray(predicted), np.asarray(annotated)
    taken = (annotated >= threshold, predicted >= threshold)
    cells = (
        ('same side of the threshold', BLUE, taken[0] == taken[1]),
        ('occluded taken for unoccluded', ORANGE, taken[0] & ~taken[1]),
        ('unoccluded taken for occluded', VIOLET, ~taken[0] & taken[1]),
    )
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZE, layout='constrained')
        axes = figure.subplots()
        _set_unit_square(axes, 'annotated occlusion rate', 'predicted')
        # A faint point for thousands of matches, a solid one for a few.
        alpha = float(np.clip(20 / np.sqrt(max(len(predicted), 1)), 0.15, 0.8))
        for name, color, chosen in cells:
            # As pixels: 40,000 points are a file of megabytes otherwise.
            axes.scatter(
                annotated[chosen],
                predicted[chosen],
                s=16,
                color=color,
                alpha=alpha,
                linewidths=0,
                rasterized=True,
                label=f'{name} ({chosen.sum()})',
            )
        for line in (axes.axhline, axes.axvline):
            line(threshold, color=INK, linewidth=0.8, linestyle=':')
        _legend(axes)
        return _inline_svg(figure, 'rates', 'Predicted over annotated occlusion rates')


def calibration_chart(table: Sequence[CalibrationBin]) -> str:
    """Draw the mean annotated over the mean predicted rate of every bin, as SVG."""
    filled = [row for row in table if row.count]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZE, layout='constrained')
        axes, below = figure.subplots(2, height_ratios=(4, 1), sharex=True)
        _set_unit_square(axes, '', 'mean annotated occlusion rate')
        axes.plot(
            [row.mean_predicted for row in filled],
            [row.mean_annotated for row in filled],
            color=BLUE,
            marker='o',
        )
        below.bar(
            [row.lower for row in filled],
            [row.count for row in filled],
            width=[row.upper - row.lower for row in filled],
            align='edge',
            color=BLUE,
            alpha=0.6,
        )
        below.set(xlabel='predicted occlusion rate', ylabel='matches')
        below.locator_params(axis='y', nbins=3, integer=True)
        return _inline_svg(figure, 'calibration', 'Calibration of the occlusion rates')


def precision_recall_chart(curves: Mapping[str, np.ndarray]) -> str:
    """Draw precision over recall, one line per occlusion bucket, as SVG.

    Args:
        curves: Precision at equally spaced recalls from 0 to 1 by name; at most four.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZE, layout='constrained')
        axes = figure.subplots()
        for (name, curve), (color, style) in zip(
            curves.items(), LINES[: len(curves)], strict=True
        ):
            axes.plot(
                np.linspace(0, 1, len(curve)),
                curve,
                color=color,
                linestyle=style,
                linewidth=2,
                label=f'{name}: AP50 {100 * float(np.mean(curve)):.1f}',
            )
        axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel='recall', ylabel='precision')
        _legend(axes)
        return _inline_svg(figure, 'precision', 'Precision over recall')


def _set_unit_square(axes: Axes, xlabel: str, ylabel: str) -> None:
    """Both axes from 0 to 1, with the diagonal on which all is right."""
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, alpha=0.5)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=xlabel, ylabel=ylabel)


def _legend(axes: Axes) -> None:
    """Put the legend above the chart, where it hides nothing."""
    legend = axes.legend(
        loc='lower left', bbox_to_anchor=(0, 1), borderaxespad=0.2, fontsize=9
    )
    for handle in legend.legend_handles:
        handle.set_alpha(1)


def _inline_svg(figure: Figure, name: str, description: str) -> str:
    """The figure as an SVG element; ``name`` keeps its ids apart from other charts'."""
    file = io.StringIO()
    absent = dict.fromkeys(('Creator', 'Date', 'Format', 'Type'))
    figure.savefig(file, format='svg', dpi=150, metadata=absent)
    svg = file.getvalue()
    svg = svg[svg.index('<svg') :].replace(INK, 'currentColor')
    svg = re.sub(r'((?:\bid|xlink:href)="#?|url\(#)(?!data:)', rf'\1{name}-', svg)
    # The page decides on the size; viewBox keeps the proportions.
    head, body = svg.split('>', 1)
    head = re.sub(r' (?:width|height)="[^"]*"', '', head)
    return f'{head} role="img" aria-label="{description}">{body}'
