import numpy as np
import pytest
from coco_cases import CATEGORIES, plain_evaluation, random_case

from oaformer.evaluation.engine import ENGINES
from oaformer.evaluation.matching import mask_ious
from oaformer.evaluation.occlusion_metrics import bucket_members
from oaformer.evaluation.occlusion_precision import RATE_RANGES, evaluate_by_occlusion
from oaformer.structures import encode_masks


def as_areas(items, areas):
    return [{**item, 'area': area} for item, area in zip(items, areas, strict=True)]


def rates(items):
    return [item['occlusion_rate'] for item in items]


@pytest.mark.parametrize('engine', ENGINES)
@pytest.mark.parametrize('seed', range(3))
def test_both_rules_equal_pycocotools(seed, engine):
    objects, detections, images = random_case(seed)
    max_dets = 100
    evaluations = evaluate_by_occlusion(
        objects,
        detections,
        images,
        CATEGORIES,
        mask_ious(objects, detections, max_dets),
        max_dets,
        engine,
    )
    arguments = images, CATEGORIES, [max_dets]
    truth = as_areas(objects, rates(objects))

    # COCO's own treatment of sizes, one run for all buckets
    by_rate, *_ = plain_evaluation(
        truth, as_areas(detections, rates(detections)), *arguments, RATE_RANGES
    )
    assert np.array_equal(evaluations['by_rate'].precision, by_rate.eval['precision'])
    assert np.array_equal(evaluations['by_rate'].recall, by_rate.eval['recall'])

    # one run per bucket, every detection in the middle of it
    for index, (low, high) in enumerate(RATE_RANGES.values()):
        low, high = max(low, 0), min(high, 1)
        plain, *_ = plain_evaluation(
            truth,
            as_areas(detections, [(low + high) / 2] * len(detections)),
            *arguments,
            {'bucket': (low, high)},
        )
        ours = evaluations['ignore'].precision[..., index, :]
        assert np.array_equal(ours, plain.eval['precision'][..., 0, :])

    values = [
        evaluation.average_precision(area=bucket)
        for evaluation in evaluations.values()
        for bucket in RATE_RANGES
    ]
    assert all(0 < value < 1 for value in values)
    assert len(set(values)) == len(values)


def test_buckets_are_those_of_the_occlusion_metrics():
    border = np.array([0, 1e-5, np.nextafter(1e-5, 1), 0.25, np.nextafter(0.25, 1), 1])
    for name, members in bucket_members(border).items():
        low, high = RATE_RANGES[name]
        assert ((border >= low) & (border <= high)).tolist() == members.tolist()


def item(item_id, left, rate, **fields):
    mask = np.zeros((1, 10, 30), np.uint8)
    mask[0, :, left : left + 5] = 1
    return dict(
        id=item_id,
        image_id=1,
        category_id=1,
        segmentation=encode_masks(mask)[0],
        area=50,
        iscrowd=0,
        occlusion_rate=rate,
        **fields,
    )


def evaluate(objects, detections, **kwargs):
    return evaluate_by_occlusion(
        objects,
        detections,
        [dict(id=1, height=10, width=30)],
        [1],
        mask_ious(objects, detections, 100),
        **kwargs,
    )


def test_by_hand():
    objects = [item(1, left=0, rate=0.0), item(2, left=10, rate=0.5)]
    detections = [
        item(1, left=20, rate=0.1, score=0.9),  # nothing there
        item(2, left=10, rate=0.3, score=0.8),  # the occluded object
        item(3, left=0, rate=0.0, score=0.7),  # the unoccluded one
    ]
    evaluations = evaluate(objects, detections)
    values = {
        rule: [evaluation.average_precision(area=bucket) for bucket in RATE_RANGES]
        for rule, evaluation in evaluations.items()
    }
    # one miss before the one hit of each bucket; no object is partially occluded
    half, one = pytest.approx(0.5), pytest.approx(1)
    assert values['ignore'] == [half, None, half, half, half, half]
    # the miss lies in no bucket that has an object
    assert values['by_rate'] == [one, None, one, one, one, one]
    counts = [evaluations['ignore'].count(bucket) for bucket in RATE_RANGES]
    assert counts == [1, 0, 1, 1, 1, 1]


def test_a_hit_counts_by_the_rate_of_its_object():
    # predicted unoccluded, but it found an occluded object
    evaluations = evaluate(
        [item(1, left=0, rate=0.5)], [item(1, left=0, rate=0.0, score=0.9)]
    )
    for evaluation in evaluations.values():
        assert evaluation.average_precision(area='heavy') == pytest.approx(1)
        assert evaluation.average_precision(area='none') is None


def test_without_rates_there_is_one_rule():
    evaluations = evaluate(
        [item(1, left=0, rate=0.5)],
        [item(1, left=0, rate=None, score=0.9)],
        rules=['ignore'],
    )
    assert list(evaluations) == ['ignore']
    assert evaluations['ignore'].average_precision(area='40') == pytest.approx(1)
