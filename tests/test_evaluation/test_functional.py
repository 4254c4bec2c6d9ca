import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from oaformer.evaluation.functional import evaluate_masks
from oaformer.structures import decode_masks, encode_masks, rle_area

SIZE = 12


def box_rle(left, top, right, bottom, size=SIZE):
    mask = np.zeros((1, size, size), np.uint8)
    mask[0, top:bottom, left:right] = 1
    return encode_masks(mask)[0]


def item(item_id, rle, image_id=1, category_id=1, iscrowd=0, **fields):
    return dict(
        id=item_id,
        image_id=image_id,
        category_id=category_id,
        segmentation=rle,
        area=rle_area(rle),
        iscrowd=iscrowd,
        **fields,
    )


def images(*ids, size=SIZE):
    return [dict(id=image_id, height=size, width=size) for image_id in ids]


def random_boxes(rng, number, size):
    corners = rng.integers(0, size - 4, (number, 2))
    sides = rng.integers(3, size // 2, (number, 2))
    ends = np.minimum(corners + sides, size)
    boxes = np.concatenate([corners, ends], axis=1).tolist()
    return [box_rle(*box, size) for box in boxes]


def random_case(seed, size=160):
    """Ground truth of three classes on five images and noisy detections."""
    rng = np.random.default_rng(seed)
    objects, detections = [], []
    for image_id in range(1, 6):
        for rle in random_boxes(rng, 6, size):
            category_id = int(rng.integers(1, 4))
            crowd = int(rng.random() < 0.1)
            objects.append(
                item(len(objects) + 1, rle, image_id, category_id, iscrowd=crowd)
            )
            shift = rng.integers(0, 6)
            mask = np.roll(decode_masks([rle])[0], shift, axis=1)
            shifted = encode_masks(mask[None])[0]
            # Rounded scores, so that ties happen.
            score = round(float(rng.random()), 1)
            detections.append(
                item(len(detections) + 1, shifted, image_id, category_id, score=score)
            )
        for rle in random_boxes(rng, 4, size):
            score = round(float(rng.random()), 1)
            detections.append(item(len(detections) + 1, rle, image_id, 2, score=score))
    return objects, detections, images(*range(1, 6), size=size)


def coco_stats(objects, detections, images, category_ids):
    """The twelve numbers of pycocotools' own summary of the same data."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = dict(
            images=images,
            annotations=[dict(annotation) for annotation in objects],
            categories=[dict(id=category_id) for category_id in category_ids],
        )
        coco.createIndex()
        keys = ('image_id', 'category_id', 'segmentation', 'score')
        results = coco.loadRes([{k: d[k] for k in keys} for d in detections])
        evaluation = COCOeval(coco, results, 'segm')
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


@pytest.mark.parametrize('seed', range(3))
def test_numbers_equal_pycocotools(seed):
    objects, detections, images = random_case(seed)
    stats = coco_stats(objects, detections, images, [1, 2, 3])
    result = evaluate_masks(objects, detections, images, [1, 2, 3])

    ours = [
        result.average_precision(),
        result.average_precision(iou_thr=0.5),
        result.average_precision(iou_thr=0.75),
        result.average_precision(area='small'),
        result.average_precision(area='medium'),
        result.average_precision(area='large'),
        result.average_recall(1),
        result.average_recall(10),
        result.average_recall(100),
    ]
    expected = [None if value == -1 else value for value in stats[:9]]
    assert 0 < expected[0] < 1
    assert ours == expected


def test_evaluation_leaves_its_input_alone():
    objects, detections, images = random_case(0)
    before = repr((objects, detections, images))
    evaluate_masks(objects, detections, images, [1, 2, 3])
    assert repr((objects, detections, images)) == before


def test_average_precision_by_hand():
    # Two objects of 10 x 10 pixels. The best detection has IoU 1 with the first, the
    # next hits nothing, the last has IoU 0.7 with the second.
    objects = [
        item(1, box_rle(0, 0, 10, 10, 40)),
        item(2, box_rle(20, 20, 30, 30, 40)),
    ]
    detections = [
        item(1, box_rle(0, 0, 10, 10, 40), score=0.9),
        item(2, box_rle(0, 30, 10, 40, 40), score=0.8),
        item(3, box_rle(20, 20, 30, 27, 40), score=0.7),
    ]
    result = evaluate_masks(objects, detections, images(1, size=40), [1])

    # Precision 1 at the 51 recalls 0 to 0.50, then 2/3 (two of three) or nothing.
    low, high = (51 + 50 * 2 / 3) / 101, 51 / 101
    assert result.average_precision(iou_thr=0.5) == pytest.approx(low)
    assert result.average_precision(iou_thr=0.75) == pytest.approx(high)
    # IoU 0.7 passes the thresholds 0.50, 0.55, 0.60, 0.65 and 0.70.
    assert result.average_precision() == pytest.approx((5 * low + 5 * high) / 10)
    assert result.average_precision(area='small') == result.average_precision()
    assert result.average_precision(area='large') is None
    assert result.average_recall(1) == pytest.approx(0.5)
    # at IoU 0.5 and on average over the thresholds
    curve = result.precision_recall_curve()
    assert curve.shape == (101,)
    assert curve[[0, 50, 51, 100]].tolist() == pytest.approx([1, 1, 2 / 3, 2 / 3])
    assert curve.mean() == pytest.approx(low)
    assert result.precision_recall_curve(None).mean() == pytest.approx((low + high) / 2)
    assert result.precision_recall_curve(area='large') is None
    assert (result.count(), result.count('small'), result.count('large')) == (2, 2, 0)


def test_crowds_are_no_objects_to_be_found():
    rle = box_rle(0, 0, 6, 6)
    result = evaluate_masks(
        [item(1, rle, iscrowd=1)], [item(1, rle, score=0.5)], images(1), [1]
    )
    assert result.average_precision() is None
    assert result.count() == 0


@pytest.mark.parametrize('without_objects', [[], images(1)])
def test_without_ground_truth_nothing_is_measured(without_objects):
    result = evaluate_masks([], [], without_objects, [1])
    assert result.average_precision() is None
    assert result.average_recall(100) is None


def test_without_detections_precision_is_zero():
    result = evaluate_masks([item(1, box_rle(0, 0, 6, 6))], [], images(1), [1])
    assert result.average_precision() == 0
    assert result.average_recall(100) == 0


def test_only_given_categories_count():
    rle = box_rle(0, 0, 6, 6)
    objects = [item(1, rle, category_id=1), item(2, rle, category_id=7)]
    detections = [item(1, rle, category_id=1, score=1.0)]
    result = evaluate_masks(objects, detections, images(1), [1])
    assert result.average_precision() == pytest.approx(1)
    assert result.average_precision(category_id=1) == pytest.approx(1)
    assert result.count(category_id=1) == 1


def test_id_zero_is_refused():
    # COCO's matching stores the id and reads 0 as "not matched".
    with pytest.raises(ValueError, match='positive'):
        evaluate_masks([item(0, box_rle(0, 0, 6, 6))], [], images(1), [1])


def test_ious_that_are_known_are_used():
    rle = box_rle(0, 0, 6, 6)
    arguments = [item(1, rle)], [item(1, rle, score=0.5)], images(1), [1]
    known = evaluate_masks(*arguments, ious={(1, 1): np.full((1, 1), 0.6)})
    assert known.average_precision() == pytest.approx(0.3)
    assert evaluate_masks(*arguments).average_precision() == pytest.approx(1)


def test_other_areas():
    # what counts as the area is the caller's affair
    small, large = box_rle(0, 0, 3, 3), box_rle(5, 5, 12, 12)
    objects = [item(1, small), item(2, large)]
    detections = [item(1, small, score=0.5), item(2, box_rle(0, 9, 3, 12), score=0.9)]
    result = evaluate_masks(
        objects, detections, images(1), [1], areas=dict(low=(0, 9), high=(10, 49))
    )
    # the small object behind a miss of 9 pixels, which is ignored among the large ones
    assert result.average_precision(area='low') == pytest.approx(0.5)
    assert result.average_precision(area='high') == 0
    assert result.average_recall(100, 'low') == 1
    assert result.areas == ('low', 'high')
