import numpy as np
import pycocotools.mask as mask_util
import pytest

from oaformer.evaluation.mask_iou import (
    MeanIoU,
    intersection_areas,
    matched_invisible_ious,
    matched_ious,
    matched_predicted_invisible_ious,
    mean_iou,
)
from oaformer.structures import encode_masks


def row(text):
    """RLE of an image of one row, '#' is inside."""
    return encode_masks(np.array([[[char == '#' for char in text]]]))[0]


ANNOTATED = row('######....')
VISIBLE = row('###.......')
PREDICTED = row('.#######..')
PREDICTED_VISIBLE = row('.###......')
EMPTY = row('..........')


def random_masks(seed, number=30, size=16):
    """Bitmaps: predicted, its visible part, annotated, its visible part."""
    rng = np.random.default_rng(seed)
    masks = []
    for _ in range(2):
        amodal = rng.random((number, size, size)) < rng.random((number, 1, 1))
        masks += [amodal, amodal & (rng.random(amodal.shape) < 0.6)]
    # Objects with nothing hidden, and one that is hidden whole
    masks[3][:5] = masks[2][:5]
    masks[3][5] = False
    return masks


def bitmap_ious(first, second):
    unions = (first | second).sum(axis=(1, 2)).clip(1)
    return (first & second).sum(axis=(1, 2)) / unions


def test_amodal_iou_by_hand():
    # Inside both: columns 1 to 5; inside one: 0 to 7
    assert matched_ious([PREDICTED], [ANNOTATED]) == [5 / 8]


def test_invisible_iou_by_hand():
    # Without the annotated visible mask: columns 3 to 7 and 3 to 5
    assert matched_invisible_ious([PREDICTED], [ANNOTATED], [VISIBLE]) == [3 / 5]


def test_predicted_invisible_iou_by_hand():
    # Columns 4 to 7 and 3 to 5: two in both, five in one
    ious = matched_predicted_invisible_ious(
        [PREDICTED], [PREDICTED_VISIBLE], [ANNOTATED], [VISIBLE]
    )
    assert ious == [2 / 5]


@pytest.mark.parametrize('seed', range(3))
def test_ious_equal_those_of_bitmaps(seed):
    bitmaps = random_masks(seed)
    predicted, predicted_visible, annotated, visible = bitmaps
    rles = [encode_masks(masks) for masks in bitmaps]
    hidden = (annotated & ~visible).any(axis=(1, 2))
    assert not hidden.all()

    full = matched_ious(rles[0], rles[2])
    assert full == pytest.approx(bitmap_ious(predicted, annotated))
    coco = np.diag(mask_util.iou(rles[0], rles[2], [0] * len(hidden)))
    assert full == pytest.approx(coco)

    invisible = matched_invisible_ious(rles[0], rles[2], rles[3])
    expected = bitmap_ious(predicted & ~visible, annotated & ~visible)
    assert [iou is not None for iou in invisible] == hidden.tolist()
    assert np.array(invisible)[hidden].tolist() == pytest.approx(expected[hidden])

    invisible = matched_predicted_invisible_ious(*rles)
    expected = bitmap_ious(predicted & ~predicted_visible, annotated & ~visible)
    assert [iou is not None for iou in invisible] == hidden.tolist()
    assert np.array(invisible)[hidden].tolist() == pytest.approx(expected[hidden])


def test_a_perfect_prediction_is_one():
    _, _, annotated, visible = map(encode_masks, random_masks(0))
    assert mean_iou(matched_ious(annotated, annotated)) == MeanIoU(1, 30)
    ious = matched_invisible_ious(annotated, annotated, visible)
    assert mean_iou(ious) == MeanIoU(1, 25)
    ious = matched_predicted_invisible_ious(annotated, visible, annotated, visible)
    assert mean_iou(ious) == MeanIoU(1, 25)


def test_a_model_of_visible_masks_finds_nothing_invisible():
    assert matched_invisible_ious([VISIBLE], [ANNOTATED], [VISIBLE]) == [0]
    ious = matched_predicted_invisible_ious(
        [ANNOTATED], [ANNOTATED], [ANNOTATED], [VISIBLE]
    )
    assert ious == [0]


def test_without_a_hidden_part_there_is_no_invisible_iou():
    assert matched_invisible_ious([PREDICTED], [ANNOTATED], [ANNOTATED]) == [None]
    ious = matched_predicted_invisible_ious(
        [PREDICTED], [PREDICTED_VISIBLE], [ANNOTATED], [ANNOTATED]
    )
    assert ious == [None]


def test_of_a_fully_hidden_object_all_is_invisible():
    assert matched_invisible_ious([PREDICTED], [ANNOTATED], [EMPTY]) == [5 / 8]
    ious = matched_predicted_invisible_ious([PREDICTED], [EMPTY], [ANNOTATED], [EMPTY])
    assert ious == [5 / 8]


def test_empty_masks():
    assert matched_ious([EMPTY, EMPTY], [ANNOTATED, EMPTY]) == [0, None]
    assert matched_invisible_ious([EMPTY], [ANNOTATED], [VISIBLE]) == [0]


def test_mean_is_over_the_instances_that_count():
    assert mean_iou([0.25, None, 0.75, None]) == MeanIoU(0.5, 2)
    assert mean_iou([0.75, None, None, 0.25]) == MeanIoU(0.5, 2)
    assert mean_iou([None]) == mean_iou([]) == MeanIoU(None, 0)
    assert mean_iou([0.0]) == MeanIoU(0, 1)


def test_no_match_is_no_iou():
    assert matched_ious([], []) == []
    assert matched_invisible_ious([], [], []) == []
    assert matched_predicted_invisible_ious([], [], [], []) == []


def test_no_mask_is_decoded(monkeypatch):
    def fail(*args):
        raise AssertionError('decoded')

    monkeypatch.setattr(mask_util, 'decode', fail)
    masks = [PREDICTED], [PREDICTED_VISIBLE], [ANNOTATED], [VISIBLE]
    assert matched_ious(masks[0], masks[2]) == [5 / 8]
    assert matched_invisible_ious(masks[0], *masks[2:]) == [3 / 5]
    assert matched_predicted_invisible_ious(*masks) == [2 / 5]


def test_any_number_of_matches():
    # pycocotools can't tell the areas of more than 255 masks at once.
    assert matched_ious([PREDICTED] * 300, [ANNOTATED] * 300) == [5 / 8] * 300


def test_masks_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match='2 masks cannot be paired with 1'):
        matched_ious([EMPTY, EMPTY], [EMPTY])
    with pytest.raises(ValueError, match='2 masks cannot be paired with 1'):
        matched_invisible_ious([EMPTY, EMPTY], [EMPTY, EMPTY], [EMPTY])
    with pytest.raises(ValueError, match=r'\[1, 3\] and \[1, 10\]'):
        intersection_areas([row('##.')], [EMPTY])
