import pytest

from oaformer.datasets.annotation_fields import agreeing_area, agreeing_bbox

HEIGHT, WIDTH = 40, 60
SQUARE = [[10, 10, 16, 10, 16, 16, 10, 16]]
BEYOND = [[50, 10, 80, 10, 80, 20, 50, 20]]
SLIVER = [[10, 10, 16, 10, 16, 10.2, 10, 10.2]]
PIXEL = [0.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ('annotated', 'box', 'polygons', 'is_kept'),
    [
        ([4.5, 10, 20.5, 9.5], [5.0, 10.0, 20.0, 10.0], [], True),
        ([5, 10, 19, 9], [5.0, 10.0, 20.0, 10.0], [], True),
        ([10, 10, 6, 0.2], [10.0, 10.0, 6.0, 1.0], SLIVER, True),
        # in 0..1, yet all edges are within a pixel
        ([0, 0, 1 / 60, 1 / 40], PIXEL, [], False),
        ([0, 0, 1 / 60, 1 / 40], PIXEL, [[0, 0, 1, 0, 1, 1, 0, 1]], False),
        # the polygon's own box reaches out of the image
        ([50, 10, 30, 10], [50.0, 10.0, 10.0, 10.0], BEYOND, False),
        ([50, 10, 10, 10], [50.0, 10.0, 10.0, 10.0], BEYOND, True),
        ([25, 10, -20, 10], [5.0, 10.0, 20.0, 10.0], [], False),
    ],
)
def test_boxes(annotated, box, polygons, is_kept):
    findings = []
    result = agreeing_bbox(annotated, box, polygons, findings, HEIGHT, WIDTH)
    assert result == (annotated if is_kept else box)
    assert [each.kind for each in findings] == ([] if is_kept else ['bbox'])


@pytest.mark.parametrize(
    ('annotated', 'area', 'polygons', 'is_kept'),
    [
        (0, 1, [], False),
        (1 / 2400, 1, [], False),
        (2, 1, [], True),
        (0, 36, SQUARE, False),
        (36 / 2400, 36, SQUARE, False),
        (30, 36, SQUARE, True),
        # the polygon's own area, as in COCO
        (1.2, 6, SLIVER, True),
        (0, 6, SLIVER, False),
    ],
)
def test_areas(annotated, area, polygons, is_kept):
    findings = []
    result = agreeing_area(annotated, area, polygons, findings)
    assert result == (annotated if is_kept else area)
    assert [each.kind for each in findings] == ([] if is_kept else ['area'])
