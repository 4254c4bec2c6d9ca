import numpy as np
import pytest

from oaformer.datasets.compositing import UnoccludedRules, why_left_out

SIZE = (40, 50)


def boxes(*corners):
    masks = np.zeros((len(corners), *SIZE), np.uint8)
    for mask, (y1, x1, y2, x2) in zip(masks, corners, strict=True):
        mask[y1:y2, x1:x2] = 1
    return masks


def reasons(masks, occluded=None, ignored=None, **rules):
    ignored = np.zeros(len(masks), bool) if ignored is None else np.array(ignored)
    return [
        why_left_out(index, masks, occluded, ignored, UnoccludedRules(**rules))
        for index in range(len(masks))
    ]


def test_in_a_plain_file_nothing_may_be_near():
    # columns 5 to 14 and 17 to 26: two pixels apart
    masks = boxes((5, 5, 15, 15), (5, 17, 15, 27), (25, 5, 35, 15))
    touches = 'touches another object'
    assert reasons(masks, gap=3) == [touches, touches, None]
    assert reasons(masks, gap=2) == [None, None, None]
    # above the corner, not beside it
    masks = boxes((5, 5, 15, 15), (16, 16, 26, 26))
    assert reasons(masks, gap=1) == [None, None]
    assert reasons(masks, gap=2) == [touches, touches]


def test_where_occlusion_is_annotated_it_decides():
    masks = boxes((5, 5, 15, 15), (5, 12, 15, 22))
    assert reasons(masks, occluded=[True, False]) == ['occluded', None]


@pytest.mark.parametrize('box', [(0, 5, 9, 14), (5, 0, 14, 9), (31, 5, 40, 14)])
def test_at_the_border(box):
    assert reasons(boxes(box), border=1) == ["at the image's border"]
    assert reasons(boxes(box), border=0) == [None]
    # one pixel away
    inside = np.pad(boxes(box)[:, 1:-1, 1:-1], ((0, 0), (1, 1), (1, 1)))
    assert reasons(inside, border=1) == [None]
    assert reasons(inside, border=2) == ["at the image's border"]


def test_the_other_reasons():
    masks = boxes((5, 5, 15, 15), (20, 5, 22, 7), (25, 20, 35, 30))
    masks[2, 25:30, 35:40] = 1
    assert reasons(masks, ignored=[True, False, False]) == [
        'crowd or ignored',
        'too small',
        'in several pieces',
    ]
    loose = reasons(masks, min_area=0, one_piece=False)
    assert loose == [None, None, None]
    # 0.005 of 2,000 pixels are 10
    assert reasons(boxes((5, 5, 7, 10))) == [None]
    assert reasons(np.zeros((1, *SIZE), np.uint8), min_area=0) == ['too small']
    # pieces that meet at a corner are one
    masks = boxes((5, 5, 10, 10))
    masks[0, 10:15, 10:15] = 1
    assert reasons(masks) == [None]
