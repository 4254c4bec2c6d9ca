import numpy as np
import pytest

from oaformer.datasets.converters.shapes import (
    bitmap_mask,
    box_corners,
    ellipse_points,
    leaves_image,
    polygon_mask,
    read_points,
)
from oaformer.structures import decode_masks, rle_area, rle_bbox

SIZE = 20, 30


def test_box_and_its_turn():
    assert box_corners(2, 4, 10, 8).tolist() == [[2, 4], [10, 4], [10, 8], [2, 8]]
    assert rle_bbox(polygon_mask(box_corners(2, 4, 10, 8), *SIZE)) == [2, 4, 8, 4]
    # a quarter turn about (6, 6); the first corner goes from the upper left to the
    # upper right, clockwise as one looks at it
    turned = box_corners(2, 4, 10, 8, 90)
    np.testing.assert_allclose(turned[0], [8, 2], atol=1e-9)
    assert rle_bbox(polygon_mask(turned.round(6), *SIZE)) == [4, 2, 4, 8]


def test_ellipse():
    points = ellipse_points((12, 10), (8, 4))
    np.testing.assert_allclose(
        (points - (12, 10)) ** 2 @ [1 / 64, 1 / 16], np.ones(len(points))
    )
    assert rle_area(polygon_mask(points, *SIZE)) == pytest.approx(np.pi * 32, rel=0.05)
    turned = ellipse_points((12, 10), (8, 4), 90)
    np.testing.assert_allclose(np.ptp(turned, axis=0), [8, 16])


@pytest.mark.parametrize(('top', 'left'), [(3, 4), (-2, -1), (17, 28), (0, 0)])
def test_bitmap_is_placed_and_cut(top, left):
    bitmap = np.random.default_rng(0).integers(0, 2, (6, 5))
    bitmap[2, 1] = 1
    whole = np.zeros((SIZE[0] + 20, SIZE[1] + 20), int)
    whole[10 + top : 16 + top, 10 + left : 15 + left] = bitmap
    mask = decode_masks([bitmap_mask(bitmap, top, left, *SIZE)])[0]
    np.testing.assert_array_equal(mask, whole[10:-10, 10:-10])


@pytest.mark.parametrize('points', [None, 'x', [1, 2], [[1, 2, 3]], [[1, np.nan]], []])
def test_what_is_no_points(points):
    with pytest.raises(ValueError, match='not pairs of numbers'):
        read_points(points)


def test_shapes_without_a_pixel():
    with pytest.raises(ValueError, match='at least three points, not 2'):
        polygon_mask([[0, 0], [9, 9]], *SIZE)
    for points in ([[0, 0], [9, 9], [0, 0]], [[40, 0], [50, 0], [50, 9]]):
        with pytest.raises(ValueError, match='covers no pixel'):
            polygon_mask(points, *SIZE)
    with pytest.raises(ValueError, match='covers no pixel'):
        bitmap_mask(np.ones((3, 3)), 20, 0, *SIZE)


@pytest.mark.parametrize(
    ('point', 'leaves'),
    [((0, 0), 0), ((31, 21), 0), ((-1.1, 5), 1), ((5, 21.1), 1), ((31.1, 5), 1)],
)
def test_leaves_image(point, leaves):
    assert leaves_image(np.array([[5, 5], point]), *SIZE) == leaves
