import numpy as np
import pycocotools.mask as mask_util
import pytest

from oaformer.evaluation.matched_evaluation import matched_ious
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
    """Bitmaps: predicted, annotated, annotated visible, predicted visible."""
    rng = np.random.default_rng(seed)
    masks = []
    for _ in range(2):
        amodal = rng.random((number, size, size)) < rng.random((number, 1, 1))
        masks += [amodal, amodal & (rng.random(amodal.shape) < 0.6)]
    predicted, predicted_visible, annotated, visible = masks
    # objects with nothing hidden, and a fully hidden one
    visible[:5] = annotated[:5]
    visible[5] = False
    return predicted, annotated, visible, predicted_visible


def bitmap_ious(first, second):
    unions = (first | second).sum(axis=(1, 2)).clip(1)
    return (first & second).sum(axis=(1, 2)) / unions


@pytest.mark.parametrize(
    'masks, expected',
    [
        # visible: columns 1, 2 of 0 to 3; hidden without the annotated visible mask:
        # columns 3 to 5 of 3 to 7; without the predicted one: 4, 5 of 3 to 7
        ([PREDICTED, ANNOTATED, VISIBLE, PREDICTED_VISIBLE], (2 / 4, 3 / 5, 2 / 5)),
        ([ANNOTATED, ANNOTATED, VISIBLE, VISIBLE], (1, 1, 1)),
        # a model of visible masks finds nothing hidden
        ([VISIBLE, ANNOTATED, VISIBLE, VISIBLE], (1, 0, 0)),
        ([ANNOTATED, ANNOTATED, VISIBLE, ANNOTATED], (1 / 2, 1, 0)),
        # nothing is hidden
        ([PREDICTED, ANNOTATED, ANNOTATED, PREDICTED_VISIBLE], (3 / 6, None, None)),
        # all is hidden
        ([PREDICTED, ANNOTATED, EMPTY, EMPTY], (None, 5 / 8, 5 / 8)),
        # nothing is predicted
        ([EMPTY, ANNOTATED, VISIBLE, EMPTY], (0, 0, 0)),
    ],
)
def test_ious_by_hand(masks, expected):
    # any number of them: pycocotools' areas of more than 255 masks overflow
    ious = matched_ious(*([mask] * 300 for mask in masks))
    assert [*ious.values()] == [[value] * 300 for value in expected]
    without = matched_ious(*([mask] for mask in masks[:3]))
    assert [*without.values()] == [[None], [expected[1]], [None]]


@pytest.mark.parametrize('seed', range(3))
def test_ious_equal_those_of_bitmaps(seed, monkeypatch):
    bitmaps = random_masks(seed)
    predicted, annotated, visible, predicted_visible = bitmaps
    rles = [encode_masks(masks) for masks in bitmaps]
    hidden = (annotated & ~visible).any(axis=(1, 2))
    assert not hidden.all()
    # only areas are needed
    monkeypatch.delattr(mask_util, 'decode')
    ious = matched_ious(*rles)
    coco = np.diag(mask_util.iou(rles[3], rles[2], [0] * len(hidden)))
    assert ious['visible'] == pytest.approx(coco)
    for values, expected in (
        (ious['invisible'], bitmap_ious(predicted & ~visible, annotated & ~visible)),
        (
            ious['predicted_invisible'],
            bitmap_ious(predicted & ~predicted_visible, annotated & ~visible),
        ),
    ):
        assert [iou is not None for iou in values] == hidden.tolist()
        assert np.array(values)[hidden].tolist() == pytest.approx(expected[hidden])


def test_masks_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match='2 masks cannot be paired with 1'):
        matched_ious([EMPTY, EMPTY], [EMPTY], [EMPTY, EMPTY])
    with pytest.raises(ValueError, match=r'\[1, 3\] and \[1, 10\]'):
        matched_ious([row('##.')], [EMPTY], [EMPTY])
