import importlib.util
import sys

import numpy as np
import pytest
from coco_cases import CATEGORIES, box_item, plain_evaluation, random_case

from oaformer.evaluation import coco_eval
from oaformer.evaluation.average_precision import evaluate_coco
from oaformer.evaluation.coco_eval import ENGINES, match_masks, overlaps


def assert_equal(objects, detections, images, category_ids, max_dets=(1, 10, 100)):
    expected, *_ = plain_evaluation(objects, detections, images, category_ids, max_dets)
    ious = overlaps(objects, detections, max(max_dets))
    before = repr((objects, detections, images))
    result = evaluate_coco(
        objects, detections, images, category_ids, ious, max_dets=max_dets
    )
    assert repr((objects, detections, images)) == before
    # faster-coco-eval's precision of a single hit is 1, pycocotools' 1 - 2e-16
    for name in ('precision', 'recall'):
        ours = getattr(result, name)
        np.testing.assert_allclose(ours, expected.eval[name], rtol=0, atol=1e-9)
    assert np.array_equal(result.iou_thrs, expected.params.iouThrs)
    assert result.ranges == tuple(expected.params.areaRngLbl)
    assert result.max_dets == tuple(max_dets)
    assert result.category_ids == tuple(category_ids)
    return result


@pytest.mark.parametrize('max_dets', [(1, 10, 100), (1, 2, 5), (3,)])
@pytest.mark.parametrize('seed', range(4))
def test_engines_equal_pycocotools(seed, max_dets, engine):
    result = assert_equal(*random_case(seed), CATEGORIES, max_dets)
    assert 0 < result.average_precision() < 1
    assert result.average_precision(category_id=CATEGORIES[-1]) is None


def test_only_the_given_images_and_categories_count(engine):
    objects, detections, images = random_case(1)
    assert_equal(objects, detections, images[3:6], CATEGORIES[:2])


def test_areas_on_a_border_and_beyond_all(engine):
    objects, detections, images = random_case(2)
    for item, area in zip(objects, (1024, 9216, 1024.5, 0, 2e10, -1), strict=False):
        item['area'] = area
    for item, area in zip(detections, (1024, 9216, 9215.5, 0, 2e10), strict=False):
        item['area'] = area
    assert_equal(objects, detections, images, CATEGORIES)


@pytest.mark.parametrize('without', ['objects', 'detections', 'both', 'images'])
def test_nothing_to_evaluate(without, engine):
    objects, detections, images = random_case(3)
    if without != 'detections':
        objects = []
    if without != 'objects':
        detections = []
    if without == 'images':
        images = []
    assert_equal(objects, detections, images, CATEGORIES)


@pytest.mark.skipif(
    'faster-coco-eval' not in ENGINES, reason='faster-coco-eval is not installed'
)
def test_faster_coco_eval_is_used_if_installed():
    assert coco_eval.BEST_ENGINE == 'faster-coco-eval'


def test_pycocotools_is_used_otherwise(monkeypatch):
    # None makes the import fail
    monkeypatch.setitem(sys.modules, 'faster_coco_eval', None)
    spec = importlib.util.spec_from_file_location(
        'oaformer.evaluation.coco_eval', coco_eval.__file__
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert list(module.ENGINES) == ['pycocotools']
    assert module.BEST_ENGINE == 'pycocotools'


def item(item_id, left, right, **fields):
    """Columns left to right - 1 of an image."""
    return box_item(item_id, left, 0, right, 12, **fields)


def match(objects, detections, max_dets=100):
    ious = overlaps(objects, detections, max_dets)
    return match_masks(objects, detections, ious, max_dets)


@pytest.mark.parametrize('max_dets', [100, 5, 2])
@pytest.mark.parametrize('seed', range(4))
def test_matches_equal_those_of_pycocotools(seed, max_dets):
    objects, detections, images = random_case(seed)
    evaluation, pairs, false_positives = plain_evaluation(
        objects, detections, images, CATEGORIES, [max_dets]
    )
    ious = overlaps(objects, detections, max_dets)
    for key, expected in evaluation.ious.items():
        if key in ious:
            assert np.array_equal(ious[key], expected)
        else:
            assert len(expected) == 0 or expected.size == 0

    matches = match_masks(objects, detections, ious, max_dets)
    assert len(pairs) > 10
    assert {tuple(pair) for pair in matches.pairs.tolist()} == pairs
    assert len(matches.pairs) == len(pairs)
    assert sorted(matches.false_positives) == sorted(false_positives)
    found = {object_id for _, object_id in pairs}
    regular = {item['id'] for item in objects if not item['iscrowd']}
    assert set(matches.missed) == regular - found


def test_overlaps_of_boxes_by_hand():
    objects = [item(1, 0, 4), item(2, 0, 8, iscrowd=1)]
    ious = overlaps(objects, [item(1, 0, 6, score=0.5)], 100, 'bbox')
    # of the crowd: the share of the detection
    assert ious[1, 1].tolist() == [[pytest.approx(4 / 6), 1]]


def test_matches_by_hand():
    objects = [item(1, 0, 4), item(2, 4, 8), item(3, 0, 4, category_id=2)]
    detections = [
        item(1, 0, 4, score=0.5),  # the better one came first
        item(2, 0, 3, score=0.9),  # IoU 0.75
        item(3, 4, 10, score=0.7),  # 4 of 6 columns
        item(4, 4, 5, score=0.8),  # IoU 0.25
    ]
    matches = match(objects, detections)
    assert matches.pairs.tolist() == [[2, 1], [3, 2]]
    assert matches.ious.tolist() == pytest.approx([0.75, 2 / 3])
    assert sorted(matches.false_positives) == [1, 4]
    assert matches.missed == (3,)


def test_only_the_class_and_each_object_once():
    objects = [item(1, 0, 6, category_id=1), item(2, 0, 6, category_id=2)]
    detections = [
        item(1, 0, 6, category_id=2, score=0.5),
        item(2, 0, 6, category_id=2, score=0.9),
    ]
    matches = match(objects, detections)
    assert matches.pairs.tolist() == [[2, 2]]
    assert (matches.false_positives, matches.missed) == ((1,), (1,))


def test_crowds_are_neither_matched_nor_missed():
    # both lie in the crowd by more than a half
    detections = [item(1, 0, 4, score=0.5), item(2, 0, 5, score=0.4)]
    matches = match([item(1, 0, 6, iscrowd=1)], detections)
    assert len(matches.pairs) == 0
    assert (matches.false_positives, matches.missed) == ((), ())


def test_detections_beyond_the_limit_do_not_count():
    detections = [item(1, 0, 4, score=0.5), item(2, 6, 9, score=0.9)]
    matches = match([item(1, 0, 4)], detections, max_dets=1)
    assert len(matches.pairs) == 0
    assert (matches.false_positives, matches.missed) == ((2,), (1,))


def test_nothing_to_match():
    matches = match([], [])
    assert (matches.pairs.shape, matches.ious.shape) == ((0, 2), (0,))
    assert match([], [item(1, 0, 4, score=0.5)]).false_positives == (1,)
    assert match([item(1, 0, 4)], []).missed == (1,)
