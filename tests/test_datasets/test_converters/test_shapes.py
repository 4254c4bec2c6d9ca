import cv2
import numpy as np
import pytest

from oaformer.datasets.converters.shapes import (
    POLYGON_IOU,
    bitmap_mask,
    box_corners,
    cut_bitmap,
    ellipse_points,
    leaves_image,
    mask_polygons,
    polygon_mask,
    polygons_mask,
    read_points,
    rle_iou,
)
from oaformer.structures import decode_masks, encode_masks, rle_area, rle_bbox

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


def encode(bitmap):
    return encode_masks(np.asarray(bitmap, np.uint8)[None])[0]


def blobs(seed, height=40, width=50):
    """A mask of several ragged pieces without holes."""
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.random((height, width)), (0, 0), rng.choice([0.3, 2]))
    bitmap = (noise > 0.53).astype(np.uint8)
    contours, _ = cv2.findContours(bitmap, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return encode(cv2.drawContours(bitmap, contours, -1, 1, -1))


def test_bitmap_is_cut_out_and_put_back():
    mask = blobs(0)
    bitmap, top, left = cut_bitmap(mask)
    assert bitmap.any(axis=0)[[0, -1]].all() and bitmap.any(axis=1)[[0, -1]].all()
    assert bitmap_mask(bitmap, top, left, *mask['size']) == mask


@pytest.mark.parametrize('seed', range(20))
def test_polygons_have_the_pixels_of_the_mask(seed, monkeypatch):
    mask = blobs(seed)
    found = polygons_mask(mask_polygons(mask), *mask['size'])
    assert rle_iou(found, mask) >= POLYGON_IOU
    # with all their corners they have exactly these
    monkeypatch.setattr(cv2, 'approxPolyDP', lambda *_: np.zeros((0, 1, 2), np.int32))
    assert polygons_mask(mask_polygons(mask), *mask['size']) == mask


def test_polygons_by_hand():
    bitmap = np.zeros(SIZE)
    bitmap[2:6, 3:5] = 1
    # one column apart
    bitmap[2:6, 6:9] = 1
    bitmap[19, 29] = 1
    polygons = sorted(each.tolist() for each in mask_polygons(encode(bitmap)))
    assert polygons == [
        [[3, 2], [3, 6], [5, 6], [5, 2]],
        [[6, 2], [6, 6], [9, 6], [9, 2]],
        [[29, 19], [29, 20], [30, 20], [30, 19]],
    ]


def test_large_outlines_have_few_corners():
    bitmap = cv2.circle(np.zeros((300, 300)), (150, 150), 100, 1, -1)
    (polygon,) = mask_polygons(encode(bitmap))
    assert len(polygon) < 40
    assert rle_iou(polygon_mask(polygon, 300, 300), encode(bitmap)) > 0.99


def test_holes_are_filled():
    ring = np.zeros(SIZE)
    ring[2:12, 3:13] = 1
    ring[4:10, 5:11] = 0
    assert rle_area(polygons_mask(mask_polygons(encode(ring)), *SIZE)) == 100
