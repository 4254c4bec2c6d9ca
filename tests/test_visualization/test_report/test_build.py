import re

import numpy as np
import pytest

from oaformer.evaluation import evaluate_amodal
from oaformer.visualization.report import build_report, render_report


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return tmp_path_factory.mktemp('images')


@pytest.fixture(scope='module')
def build(ground_truth, images, visualizer):
    """A report; its images are missing unless they are given."""

    def build(evaluation, number=12):
        entries = ground_truth.images
        return build_report(
            evaluation,
            entries,
            lambda image_id: images / entries[image_id]['file_name'],
            visualizer,
            number,
            title='<i>title</i>',
            facts=[('config', 'a & b.py')],
        )

    return build


@pytest.fixture(scope='module')
def report(build, evaluation):
    return build(evaluation)


def table(report, title):
    (found,) = [table for table in report.tables if table.title.startswith(title)]
    return [dict(zip(found.header, row, strict=True)) for row in found.rows]


def test_numbers_of_the_tables(report):
    amodal, boxes = table(report, 'Average precision')
    # Cup: hits at IoU 1 and 2/3, one of three missed. Plate: one of two, at 3/4.
    assert amodal[''] == 'amodal masks' and amodal['objects'] == 5
    assert amodal['mAP_50'] == pytest.approx(np.mean([67 / 101, 51 / 101]))
    assert amodal['mAP_l'] is None
    # these objects are boxes
    assert boxes == amodal | {'': 'boxes'}
    by_rate = {row['annotated rate']: row for row in table(report, 'Amodal masks by')}
    assert by_rate['all']['matched'] == 3
    # 0, 0.49 and 0.6
    assert by_rate['all']['mae'] == pytest.approx(1.09 / 3)
    assert by_rate['partial: to 0.25']['mae'] is None
    assert by_rate['none: 0']['mAP_by_rate'] is None
    assert by_rate['at least 0.40']['mAP_by_rate'] > 0
    masks = {row['measure']: row['value'] for row in table(report, 'Matched')}
    assert masks['mIoU_full'] == pytest.approx((1 + 3 / 4 + 2 / 3) / 3)
    assert 'mIoU_visible' not in masks
    page = render_report(report)
    # in percent
    assert '<td>80.6</td>' in page and '<td>36.3</td>' in page


def test_confusion(report):
    two_thirds = pytest.approx(2 / 3)
    assert report.confusion.rows == [
        ['occluded', 0, None, 1, pytest.approx(0.75), 1.0],
        ['unoccluded', 1, two_thirds, 1, pytest.approx(1), 0.5],
    ]


def test_what_is_not_measurable_has_a_reason(report, build, evaluate):
    absent = dict(report.absent)
    assert absent['no predicted visible masks'].split(', ') == [
        'visible masks',
        'invisible masks',
        'mIoU_visible',
        'mIoU_predicted_invisible',
    ]
    assert 'segm_mAP_l' in absent['no such objects']
    without = build(evaluate(with_rates=False), number=1)
    assert 'occlusion_rate_mae' in dict(without.absent)['no predicted occlusion rates']
    assert without.confusion is None
    scatter, calibration, precision = without.charts
    assert scatter.svg is calibration.svg is None
    assert scatter.note == 'Not measurable: no predicted occlusion rates.'
    assert precision.svg is not None
    assert 'nan' not in re.sub('data:[^"]+', '', render_report(without)).lower()


def test_cards(report):
    gallery = {gallery.name: gallery for gallery in report.galleries}
    card = gallery['occluded_as_unoccluded'].cards[0]
    facts = dict(card.facts)
    assert card.title == '<b>plate</b>'
    assert facts['score'] == '0.80'
    # Annotated hidden: 40 x 20. Predicted outside the visible part: the same.
    assert facts['IoU'] == 'amodal 0.75, invisible given the visible mask 1.00'
    assert facts['occlusion rate'] == 'annotated 50%, predicted 1%'
    assert facts['image'] == '1 & co.png, object 102'
    plate, cup = [dict(card.facts) for card in gallery['missed'].cards]
    assert plate['nearest detection'] == 'cup, score 0.60'
    assert plate['IoU'] == 'amodal 0.80'
    assert cup['nearest detection'] == 'none overlaps' and 'IoU' not in cup


def test_predicted_visible_masks(build, evaluate):
    report = build(evaluate(with_visible_masks=True), number=3)
    rows = [row[:2] for row in report.tables[0].rows[:3]]
    assert rows == [['amodal masks', 5], ['visible masks', 5], ['invisible masks', 1]]
    masks = {row['measure']: row['value'] for row in table(report, 'Matched')}
    assert masks['mIoU_visible'] == pytest.approx((1 + 1 / 2 + 2 / 3) / 3)
    # all of the hidden part is found
    assert masks['mIoU_predicted_invisible'] == 1
    worst = {gallery.name: gallery for gallery in report.galleries}['worst']
    assert dict(worst.cards[1].facts)['IoU'] == (
        'amodal 0.75, visible 0.50, invisible 1.00, '
        'invisible given the visible mask 1.00'
    )
    assert 'no predicted visible masks' not in dict(report.absent)
    derived = ('occlusion rates', 'derived from the predicted masks')
    assert derived not in report.facts
    without_rates = evaluate(with_rates=False, with_visible_masks=True)
    assert derived in build(without_rates, number=0).facts


def test_missing_images_are_named(report, images):
    cards = [card for gallery in report.galleries for card in gallery.cards]
    assert len(cards) == 10
    assert all(card.image.startswith('data:image/jpeg') for card in cards)
    assert cards[0].warning == f'Image not found: {images / "1 & co.png"}'


def test_page_needs_nothing_else_and_escapes_names(report):
    page = render_report(report)
    assert '&lt;b&gt;plate&lt;/b&gt;' in page and '<b>plate' not in page
    assert '&lt;i&gt;title&lt;/i&gt;' in page and 'a &amp; b.py' in page
    assert '<script' not in page and '<link' not in page
    sources = re.findall(r'(?:src|href)="([^"]{1,12})', page)
    assert all(source.startswith(('#', 'data:image/')) for source in sources)
    assert page.count('data:image/jpeg') == 10


def test_no_detections_at_all(build, evaluation, ground_truth):
    nothing = dict(
        labels=np.zeros(0, int),
        scores=np.zeros(0),
        bboxes=np.zeros((0, 4)),
        masks=[],
        occlusion_rates=np.zeros(0),
    )
    results = [dict(img_id=image_id, **nothing) for image_id in (1, 2)]
    report = build(evaluate_amodal(ground_truth, results))
    assert dict(report.highlights)['amodal AP'] == '0.0'
    assert 'error of the occlusion rate' not in dict(report.highlights)
    assert report.charts[0].svg is None
    counts = {gallery.name: len(gallery.cards) for gallery in report.galleries}
    assert counts['missed'] == 5 and sum(counts.values()) == 5
    render_report(report)
