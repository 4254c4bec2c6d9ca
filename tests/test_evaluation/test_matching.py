import numpy as np
import pytest
from coco_cases import CATEGORIES, plain_evaluation, random_case

from oaformer.evaluation.matching import mask_ious, match_masks
from oaformer.structures import encode_masks

SIZE = 12


def item(item_id, left, right, image_id=1, category_id=1, iscrowd=0, **fields):
    """Columns left to right - 1 of an image."""
    mask = np.zeros((1, SIZE, SIZE), np.uint8)
    mask[0, :, left:right] = 1
    return dict(
        id=item_id,
        image_id=image_id,
        category_id=category_id,
        segmentation=encode_masks(mask)[0],
        iscrowd=iscrowd,
        **fields,
    )


def match(objects, detections, max_dets=100):
    ious = mask_ious(objects, detections, max_dets)
    return match_masks(objects, detections, ious, max_dets)


@pytest.mark.parametrize('max_dets', [100, 5, 2])
@pytest.mark.parametrize('seed', range(4))
def test_equals_pycocotools(seed, max_dets):
    objects, detections, images = random_case(seed)
    evaluation, pairs, false_positives = plain_evaluation(
        objects, detections, images, CATEGORIES, [max_dets]
    )
    ious = mask_ious(objects, detections, max_dets)
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


def test_by_hand():
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


def test_detections_beyond_the_limit_do_not_exist():
    detections = [item(1, 0, 4, score=0.5), item(2, 6, 9, score=0.9)]
    matches = match([item(1, 0, 4)], detections, max_dets=1)
    assert len(matches.pairs) == 0
    assert (matches.false_positives, matches.missed) == ((2,), (1,))


def test_nothing_there():
    matches = match([], [])
    assert matches.pairs.shape == (0, 2)
    assert matches.ious.shape == (0,)
    assert match([], [item(1, 0, 4, score=0.5)]).false_positives == (1,)
    assert match([item(1, 0, 4)], []).missed == (1,)
