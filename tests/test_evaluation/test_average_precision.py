import numpy as np
import pytest
from coco_cases import CATEGORIES, box_item, plain_evaluation, random_case

from oaformer.evaluation.average_precision import (
    RATE_RANGES,
    XIAO_RANGES,
    evaluate_by_occlusion,
    evaluate_coco,
)
from oaformer.evaluation.coco_eval import overlaps


def evaluate(
    objects,
    detections,
    category_ids=(1,),
    images=(dict(id=1),),
    by=evaluate_coco,
    **kwargs,
):
    ious = overlaps(objects, detections, 100)
    return by(objects, detections, images, category_ids, ious, **kwargs)


def test_average_precision_by_hand():
    # IoU 1 with the first object, a miss, IoU 0.7 with the second
    objects = [box_item(1, 0, 0, 10, 10), box_item(2, 20, 20, 30, 30)]
    detections = [
        box_item(1, 0, 0, 10, 10, score=0.9),
        box_item(2, 0, 30, 10, 40, score=0.8),
        box_item(3, 20, 20, 30, 27, score=0.7),
    ]
    result = evaluate(objects, detections)

    # Precision 1 at the 51 recalls 0 to 0.50, then 2/3 (two of three) or nothing.
    low, high = (51 + 50 * 2 / 3) / 101, 51 / 101
    assert result.average_precision(iou_thr=0.5) == pytest.approx(low)
    assert result.average_precision(iou_thr=0.75) == pytest.approx(high)
    # IoU 0.7 passes the thresholds 0.50, 0.55, 0.60, 0.65 and 0.70.
    assert result.average_precision() == pytest.approx((5 * low + 5 * high) / 10)
    assert result.average_precision(size='small') == result.average_precision()
    assert result.average_precision(size='large') is None
    assert result.average_recall(1) == pytest.approx(0.5)
    curve = result.precision_recall_curve()
    assert curve.shape == (101,)
    assert curve[[0, 50, 51, 100]].tolist() == pytest.approx([1, 1, 2 / 3, 2 / 3])
    assert curve.mean() == pytest.approx(low)
    assert result.precision_recall_curve(size='large') is None
    assert (result.count(), result.count('small'), result.count('large')) == (2, 2, 0)


def test_crowds_are_not_objects_to_be_found():
    result = evaluate(
        [box_item(1, 0, 0, 6, 6, iscrowd=1)], [box_item(1, 0, 0, 6, 6, score=0.5)]
    )
    assert result.average_precision() is None
    assert result.count() == 0


@pytest.mark.parametrize('images', [[], [dict(id=1)]])
def test_without_ground_truth_nothing_is_measured(images):
    result = evaluate([], [], images=images)
    assert result.average_precision() is None
    assert result.average_recall(100) is None


def test_other_sizes():
    objects = [box_item(1, 0, 0, 3, 3), box_item(2, 5, 5, 12, 12)]
    detections = [
        box_item(1, 0, 0, 3, 3, score=0.5),
        box_item(2, 0, 9, 3, 12, score=0.9),
    ]
    result = evaluate(
        objects,
        detections,
        ranges=dict(low=(0, 9), high=(10, 49)),
        sizes=([1, 10], [1, 9]),
    )
    # the first object after a miss of size 9, which is ignored among the high ones
    assert result.average_precision(size='low') == pytest.approx(0.5)
    assert result.average_precision(size='high') == 0
    assert result.ranges == ('low', 'high')


def with_areas(items, areas):
    return [{**item, 'area': area} for item, area in zip(items, areas, strict=True)]


@pytest.mark.parametrize('seed', range(3))
def test_both_rules_equal_pycocotools(seed, engine):
    objects, detections, images = random_case(seed)
    rates, predicted = (
        [item['occlusion_rate'] for item in items] for items in (objects, detections)
    )
    ours = evaluate(objects, detections, CATEGORIES, images, by=evaluate_by_occlusion)
    arguments = images, CATEGORIES, [100]
    truth = with_areas(objects, rates)

    # COCO's own treatment of sizes, one run for all buckets
    by_rate, *_ = plain_evaluation(
        truth, with_areas(detections, predicted), *arguments, XIAO_RANGES
    )
    for name in ('precision', 'recall'):
        values = getattr(ours['by_rate'], name)
        np.testing.assert_allclose(values, by_rate.eval[name], rtol=0, atol=1e-9)

    # one run per bucket, every detection in the middle of it
    for index, (low, high) in enumerate(RATE_RANGES.values()):
        low, high = max(low, 0), min(high, 1)
        areas = [(low + high) / 2] * len(detections)
        plain, *_ = plain_evaluation(
            truth, with_areas(detections, areas), *arguments, {'bucket': (low, high)}
        )
        np.testing.assert_allclose(
            ours['ignore'].precision[..., index, :],
            plain.eval['precision'][..., 0, :],
            rtol=0,
            atol=1e-9,
        )

    values = [
        evaluation.average_precision(size=bucket)
        for evaluation in ours.values()
        for bucket in evaluation.ranges
    ]
    assert all(0 < value < 1 for value in values)
    assert len(set(values)) == len(values) == 9


def test_by_occlusion_by_hand():
    objects = [
        box_item(1, 0, 0, 5, 10, occlusion_rate=0.0),
        box_item(2, 10, 0, 15, 10, occlusion_rate=0.5),
    ]
    detections = [
        box_item(1, 20, 0, 25, 10, occlusion_rate=0.2, score=0.9),  # a miss
        # predicted unoccluded, and matched to the occluded object
        box_item(2, 10, 0, 15, 10, occlusion_rate=0.0, score=0.8),
        box_item(3, 0, 0, 5, 10, occlusion_rate=0.0, score=0.7),
    ]
    results = evaluate(objects, detections, by=evaluate_by_occlusion)
    # one miss before the one hit of each bucket; no object is partially occluded
    half, one = pytest.approx(0.5), pytest.approx(1)
    plain, by_rate = results['ignore'], results['by_rate']
    values = [plain.average_precision(size=bucket) for bucket in RATE_RANGES]
    assert values == [half, None, half, half, half, half]
    # the rate of the miss is at least 0.15 and less than 0.25
    values = [by_rate.average_precision(size=bucket) for bucket in XIAO_RANGES]
    assert values == [half, one, one]
    assert [plain.count(bucket) for bucket in RATE_RANGES] == [1, 0, 1, 1, 1, 1]

    for detection in detections:
        detection['occlusion_rate'] = None
    results = evaluate(objects, detections, by=evaluate_by_occlusion, with_rates=False)
    assert list(results) == ['ignore']
