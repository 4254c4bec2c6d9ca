import re
from xml.etree import ElementTree

import numpy as np

from oaformer.evaluation.occlusion_metrics import calibration_table
from oaformer.visualization.report import charts

PREDICTED, ANNOTATED = [0.0, 0.02, 0.6, 0.4, 0.5], [0.0, 0.5, 0.0, 0.4, 0.7]


def draw_all():
    curve = np.linspace(1, 0, 101)
    return [
        charts.rate_scatter(PREDICTED, ANNOTATED, 0.05),
        charts.calibration_chart(calibration_table(PREDICTED, ANNOTATED)),
        charts.precision_recall_chart({'all': curve, 'heavy': curve**2}),
    ]


def texts(svg):
    elements = ElementTree.fromstring(svg).iter('{http://www.w3.org/2000/svg}text')
    return [''.join(element.itertext()) for element in elements]


def test_points_are_counted_by_side():
    found = texts(charts.rate_scatter(PREDICTED, ANNOTATED, 0.05))
    assert 'same side of the threshold (3)' in found
    assert 'occluded taken for unoccluded (1)' in found
    assert 'unoccluded taken for occluded (1)' in found


def test_average_precision_is_in_the_legend():
    found = texts(charts.precision_recall_chart({'all': np.full(101, 0.25)}))
    assert 'all: AP50 25.0' in found


def test_charts_share_a_page_and_need_nothing_else():
    drawn = draw_all()
    ids = [re.findall(r'\bid="([^"]+)"', svg) for svg in drawn]
    for svg, own in zip(drawn, ids, strict=True):
        assert len(set(own)) == len(own)
        # Every reference stays inside its chart.
        references = re.findall(r'(?:url\(#|xlink:href="#)([^")]+)', svg)
        assert references and set(references) <= set(own)
        assert 'http' not in re.sub(r'xmlns(:\w+)?="[^"]*"', '', svg)
        assert charts.INK not in svg and 'currentColor' in svg
    assert len(set().union(*ids)) == sum(map(len, ids))


def test_same_numbers_same_chart():
    assert draw_all() == draw_all()


def test_many_matches_stay_small():
    rng = np.random.default_rng(0)
    svg = charts.rate_scatter(rng.random(20000), rng.random(20000), 0.05)
    assert len(svg) < 500_000
