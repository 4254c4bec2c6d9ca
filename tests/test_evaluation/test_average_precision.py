import numpy as np
import pytest
from coco_cases import CATEGORIES, plain_evaluation, random_case

from oaformer.evaluation.average_precision import (
    RATE_RANGES,
    XIAO_RANGES,
    evaluate_by_occlusion,
    evaluate_coco,
)
from oaformer.evaluation.coco_eval import ENGINES, overlaps
from oaformer.evaluation.occlusion_metrics import bucket_members
from oaformer.structures import encode_masks, rle_area

SIZE = 40
IMAGES = [dict(id=1, height=SIZE, width=SIZE)]


def item(item_id, left, top, right, bottom, category_id=1, iscrowd=0, **fields):
    """A box of one image."""
    mask = np.zeros((1, SIZE, SIZE), np.uint8)
    mask[0, top:bottom, left:right] = 1
    rle = encode_masks(mask)[0]
    return dict(
        id=item_id,
        image_id=1,
        category_id=category_id,
        segmentation=rle,
        area=rle_area(rle),
        iscrowd=iscrowd,
        **fields,
    )


def evaluate(objects, detections, images=IMAGES, category_ids=(1,), **kwargs):
    ious = overlaps(objects, detections, 100)
    return evaluate_coco(objects, detections, images, category_ids, ious, **kwargs)


@pytest.mark.parametrize('seed', range(3))
def test_summary_equals_that_of_pycocotools(seed):
    objects, detections, images = random_case(seed)
    before = repr((objects, detections, images))
    result = evaluate(objects, detections, images, CATEGORIES)
    assert repr((objects, detections, images)) == before
    ours = [
        result.average_precision(),
        result.average_precision(iou_thr=0.5),
        result.average_precision(iou_thr=0.75),
        result.average_precision(size='small'),
        result.average_precision(size='medium'),
        result.average_precision(size='large'),
        *(result.average_recall(number) for number in (1, 10, 100)),
    ]
    plain, *_ = plain_evaluation(objects, detections, images, CATEGORIES, (1, 10, 100))
    plain.summarize()
    assert 0 < ours[0] < 1
    assert [-1 if value is None else value for value in ours] == pytest.approx(
        plain.stats[:9].tolist(), abs=1e-9
    )


def test_average_precision_by_hand():
    # IoU 1 with the first object, a miss, IoU 0.7 with the second
    objects = [item(1, 0, 0, 10, 10), item(2, 20, 20, 30, 30)]
    detections = [
        item(1, 0, 0, 10, 10, score=0.9),
        item(2, 0, 30, 10, 40, score=0.8),
        item(3, 20, 20, 30, 27, score=0.7),
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
    # at IoU 0.5 and on average over the thresholds
    curve = result.precision_recall_curve()
    assert curve.shape == (101,)
    assert curve[[0, 50, 51, 100]].tolist() == pytest.approx([1, 1, 2 / 3, 2 / 3])
    assert curve.mean() == pytest.approx(low)
    assert result.precision_recall_curve(None).mean() == pytest.approx((low + high) / 2)
    assert result.precision_recall_curve(size='large') is None
    assert (result.count(), result.count('small'), result.count('large')) == (2, 2, 0)


def test_crowds_are_not_objects_to_be_found():
    result = evaluate(
        [item(1, 0, 0, 6, 6, iscrowd=1)], [item(1, 0, 0, 6, 6, score=0.5)]
    )
    assert result.average_precision() is None
    assert result.count() == 0


@pytest.mark.parametrize('images', [[], IMAGES])
def test_without_ground_truth_nothing_is_measured(images):
    result = evaluate([], [], images)
    assert result.average_precision() is None
    assert result.average_recall(100) is None


def test_without_detections_precision_is_zero():
    result = evaluate([item(1, 0, 0, 6, 6)], [])
    assert result.average_precision() == 0
    assert result.average_recall(100) == 0


def test_only_given_categories_count():
    objects = [item(1, 0, 0, 6, 6), item(2, 0, 0, 6, 6, category_id=7)]
    result = evaluate(objects, [item(1, 0, 0, 6, 6, score=1.0)])
    assert result.average_precision() == pytest.approx(1)
    assert result.average_precision(category_id=1) == pytest.approx(1)
    assert result.count(category_id=1) == 1


def test_id_zero_is_refused():
    # COCO's matching stores the id and reads 0 as "not matched".
    with pytest.raises(ValueError, match='positive'):
        evaluate([item(0, 0, 0, 6, 6)], [])


def test_other_sizes():
    objects = [item(1, 0, 0, 3, 3), item(2, 5, 5, 12, 12)]
    detections = [item(1, 0, 0, 3, 3, score=0.5), item(2, 0, 9, 3, 12, score=0.9)]
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


def by_occlusion(objects, detections, images=IMAGES, category_ids=(1,), **kwargs):
    ious = overlaps(objects, detections, 100)
    return evaluate_by_occlusion(
        objects, detections, images, category_ids, ious, **kwargs
    )


def with_areas(items, areas):
    return [{**item, 'area': area} for item, area in zip(items, areas, strict=True)]


@pytest.mark.parametrize('engine', ENGINES)
@pytest.mark.parametrize('seed', range(3))
def test_both_rules_equal_pycocotools(seed, engine):
    objects, detections, images = random_case(seed)
    rates, predicted = (
        [item['occlusion_rate'] for item in items] for items in (objects, detections)
    )
    ours = by_occlusion(objects, detections, images, CATEGORIES, engine=engine)
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


def test_buckets_are_those_of_the_occlusion_metrics():
    border = np.array([0, 1e-5, np.nextafter(1e-5, 1), 0.25, np.nextafter(0.25, 1), 1])
    for name, members in bucket_members(border).items():
        low, high = RATE_RANGES[name]
        assert ((border >= low) & (border <= high)).tolist() == members.tolist()


def test_by_occlusion_by_hand():
    objects = [
        item(1, 0, 0, 5, 10, occlusion_rate=0.0),
        item(2, 10, 0, 15, 10, occlusion_rate=0.5),
    ]
    detections = [
        item(1, 20, 0, 25, 10, occlusion_rate=0.2, score=0.9),  # a miss
        # predicted unoccluded, and matched to the occluded object
        item(2, 10, 0, 15, 10, occlusion_rate=0.0, score=0.8),
        item(3, 0, 0, 5, 10, occlusion_rate=0.0, score=0.7),
    ]
    results = by_occlusion(objects, detections)
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
    (rule,) = by_occlusion(objects, detections, with_rates=False)
    assert rule == 'ignore'
