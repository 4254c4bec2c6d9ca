import importlib.util
import json
import sys

import numpy as np
import pytest
from coco_cases import CATEGORIES, SIZE, box_rles, plain_evaluation, random_case

from oaformer.evaluation import engine as engine_module
from oaformer.evaluation import evaluate_masks
from oaformer.evaluation.ground_truth import load_ground_truth
from oaformer.structures import decode_masks, encode_masks, rle_area

needs_faster_coco_eval = pytest.mark.skipif(
    'faster-coco-eval' not in engine_module.ENGINES,
    reason='faster-coco-eval is not installed',
)


def assert_identical(objects, detections, images, category_ids, max_dets):
    expected, *_ = plain_evaluation(objects, detections, images, category_ids, max_dets)
    results = [
        evaluate_masks(objects, detections, images, category_ids, max_dets, engine)
        for engine in engine_module.ENGINES
    ]
    for engine, result in zip(engine_module.ENGINES, results, strict=True):
        assert result.engine == engine
        assert np.array_equal(result.precision, expected.eval['precision'])
        assert np.array_equal(result.recall, expected.eval['recall'])
        assert np.array_equal(result.iou_thrs, expected.params.iouThrs)
        assert result.areas == tuple(expected.params.areaRngLbl)
        assert result.max_dets == tuple(max_dets)
        assert result.category_ids == tuple(category_ids)
    return results[0]


@pytest.mark.parametrize('max_dets', [(1, 10, 100), (1, 2, 5), (3,)])
@pytest.mark.parametrize('seed', range(4))
def test_engines_are_identical_to_pycocotools(seed, max_dets):
    result = assert_identical(*random_case(seed), CATEGORIES, max_dets)
    assert 0 < result.average_precision() < 1
    assert result.average_precision(category_id=CATEGORIES[-1]) is None


@pytest.mark.parametrize('num_objects', [1, 2, 3, 4, 5, 8, 9, 129])
@pytest.mark.parametrize('hits', [0, 1, 2, 3])
def test_the_first_detections_of_a_curve(num_objects, hits):
    """A precision of 1 and the float below it, at any recall that a hit may have."""
    _, rles = box_rles(np.random.default_rng(num_objects), num_objects, 120)
    image_ids = range(1, num_objects + 1)
    images = [dict(id=image_id, height=SIZE, width=SIZE) for image_id in image_ids]
    objects = [
        dict(
            id=image_id,
            image_id=image_id,
            category_id=5,
            segmentation=rle,
            area=rle_area(rle),
            iscrowd=0,
        )
        for image_id, rle in zip(image_ids, rles, strict=True)
    ]
    found = [dict(item, score=1 - item['id'] / 1000) for item in objects]
    nothing = encode_masks(np.zeros((1, SIZE, SIZE), np.uint8))[0]
    for item in found[hits : hits + 1]:
        item['segmentation'] = nothing
    assert_identical(objects, found, images, [5], (1, 10, 100))
    assert_identical(objects, found[:hits], images, [5], (1, 10, 100))


@needs_faster_coco_eval
def test_faster_coco_eval_is_used_if_installed():
    objects, detections, images = random_case(0)
    result = evaluate_masks(objects, detections, images, CATEGORIES)
    assert result.engine == engine_module.BEST_ENGINE == 'faster-coco-eval'


def test_pycocotools_is_used_otherwise(monkeypatch):
    # None stands for a module that isn't there
    monkeypatch.setitem(sys.modules, 'faster_coco_eval', None)
    spec = importlib.util.spec_from_file_location(
        'oaformer.evaluation.engine', engine_module.__file__
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert list(module.ENGINES) == ['pycocotools']
    assert module.BEST_ENGINE == 'pycocotools'


def test_an_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="no engine 'fastest': there are pycocotools"):
        evaluate_masks([], [], [], [1], engine='fastest')


def test_only_the_given_images_and_categories_count():
    objects, detections, images = random_case(1)
    assert_identical(objects, detections, images[3:6], CATEGORIES[:2], (1, 10, 100))


def test_areas_on_a_border_and_beyond_all():
    objects, detections, images = random_case(2)
    for item, area in zip(objects, (1024, 9216, 1024.5, 0, 2e10, -1), strict=False):
        item['area'] = area
    for item, area in zip(detections, (1024, 9216, 9215.5, 0, 2e10), strict=False):
        item['area'] = area
    assert_identical(objects, detections, images, CATEGORIES, (1, 10, 100))


@pytest.mark.parametrize('without', ['objects', 'detections', 'both', 'images'])
def test_nothing_there(without):
    objects, detections, images = random_case(3)
    if without in ('objects', 'both', 'images'):
        objects = []
    if without in ('detections', 'both', 'images'):
        detections = []
    if without == 'images':
        images = []
    assert_identical(objects, detections, images, CATEGORIES, (1, 10, 100))


def test_engines_are_identical_on_d2sa(sample_data):
    path = sample_data / 'd2sa_sample' / 'annotations' / 'D2S_amodal_validation.json'
    ground_truth = load_ground_truth(str(path))
    category_ids = sorted(
        category['id'] for category in json.loads(path.read_text())['categories']
    )
    rng = np.random.default_rng(0)
    detections = []
    for item in ground_truth.annotations:
        mask = decode_masks([item['segmentation']])[0]
        # moved a little, moved much, and the right place with a wrong class
        for shift, wrong in ((9, 0), (120, 0), (30, 1), (55, 0)):
            rle = encode_masks(np.roll(mask, shift, axis=int(rng.integers(2)))[None])[0]
            label = category_ids.index(item['category_id']) + wrong
            detections.append(
                dict(
                    id=len(detections) + 1,
                    image_id=item['image_id'],
                    category_id=category_ids[label % len(category_ids)],
                    segmentation=rle,
                    area=rle_area(rle),
                    score=float(np.float32(rng.random())),
                )
            )
    result = assert_identical(
        ground_truth.annotations,
        detections,
        list(ground_truth.images.values()),
        category_ids,
        (1, 10, 100),
    )
    assert 0 < result.average_precision() < 1
