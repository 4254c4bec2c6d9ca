import cv2
import numpy as np
import pytest

from oaformer.visualization import drawing
from oaformer.visualization.drawing import DrawnInstance

RED = (250, 30, 40)


def instance(amodal, visible=None, corner=(0, 0), color=RED, text='cup'):
    amodal = np.asarray(amodal, np.uint8)
    if visible is not None:
        visible = np.asarray(visible, np.uint8)
    return DrawnInstance(amodal, visible, corner, color, text)


def square(side=20):
    return np.ones((side, side), np.uint8)


def test_fill_only_on_visible_pixels():
    image = np.full((4, 6, 3), 100, np.uint8)
    visible = [[1, 0], [1, 1]]
    drawing.draw_fill(
        image, instance(np.ones((2, 2)), visible, (3, 1), (200, 0, 100)), 0.5
    )
    expected = np.full((4, 6, 3), 100, np.uint8)
    expected[[1, 2, 2], [3, 3, 4]] = (150, 50, 100)
    np.testing.assert_array_equal(image, expected)


def test_fill_is_lighter_where_the_visible_mask_is_unknown():
    image = np.full((2, 2, 3), 100, np.uint8)
    drawing.draw_fill(image, instance([[1, 0]], corner=(0, 1)), 0.5)
    assert image[1, 0].tolist() == [round(0.75 * 100 + 0.25 * c) for c in RED]
    assert (image[0] == 100).all() and (image[1, 1] == 100).all()


def is_red(pixels):
    return (pixels[..., 0] > 180) & (pixels[..., 1] < 80)


def test_outline_of_a_visible_object_is_closed_and_on_its_border():
    image = np.full((40, 40, 3), 255, np.uint8)
    drawing.draw_outline(image, instance(square(), square(), (10, 10)), 1)
    red = is_red(image)
    assert red[10, 10:30].all() and red[29, 10:30].all()
    assert red[10:30, 10].all() and red[10:30, 29].all()
    assert not red[13:27, 13:27].any()
    # Nothing beyond the dark line around the outline.
    assert (image[:7] == 255).all() and (image[:, 33:] == 255).all()


def test_outline_of_the_hidden_part_is_dashed():
    image = np.full((80, 80, 3), 255, np.uint8)
    visible = square(60)
    visible[:, 30:] = 0
    drawing.draw_outline(image, instance(square(60), visible, (10, 10)), 1)
    red = is_red(image)
    solid, dashed = red[10, 10:39], red[10, 42:70]
    assert solid.all()
    assert dashed.any() and not dashed.all()


@pytest.mark.parametrize('gap, closed', [(2, True), (3, False)])
def test_a_visible_mask_that_ends_a_little_earlier_hides_nothing(gap, closed):
    image = np.full((80, 80, 3), 255, np.uint8)
    visible = np.zeros_like(square(60))
    visible[gap:-gap, gap:-gap] = 1
    drawing.draw_outline(image, instance(square(60), visible, (10, 10)), 1)
    assert is_red(image)[10, 10:70].all() == closed


def test_ring_has_an_inner_outline():
    ring = square(30)
    ring[10:20, 10:20] = 0
    image = np.full((30, 30, 3), 255, np.uint8)
    drawing.draw_outline(image, instance(ring), 1)
    assert is_red(image)[9, 12:18].all()


@pytest.mark.parametrize('visible', [np.zeros((9, 9)), np.eye(9), np.ones((9, 9))])
def test_contour_is_cut_but_nothing_solid_is_lost(visible):
    amodal = np.ones((9, 9), np.uint8)
    (contour,), _ = cv2.findContours(amodal, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    points = contour[:, 0]
    solid = np.array([visible[y, x] > 0 for x, y in points])
    lines = drawing._solid_and_dashed(points, solid, 2)
    drawn = {tuple(point) for line in lines for point in line.tolist()}
    assert {tuple(point) for point in points[solid].tolist()} <= drawn
    assert drawn <= {tuple(point) for point in points.tolist()}


def inside(box, image):
    left, top, right, bottom = box
    return 0 <= left < right <= image.shape[1] and 0 <= top < bottom <= image.shape[0]


def test_labels_stay_in_the_image_and_apart():
    image = np.zeros((400, 600, 3), np.uint8)
    rng = np.random.default_rng(0)
    corners = [(0, 0), (590, 390), (0, 390), (590, 0)]
    corners += [tuple(rng.integers(0, (560, 360)).tolist()) for _ in range(16)]
    instances = [
        instance(square(8), corner=corner, text=f'cup {i} 0.98 | occ 37%')
        for i, corner in enumerate(corners)
    ]
    boxes = drawing.draw_labels(image, instances, 10)
    assert len(boxes) == 20 and all(inside(box, image) for box in boxes)
    overlaps = [drawing._overlap(a, b) for i, a in enumerate(boxes) for b in boxes[:i]]
    assert sum(overlaps) == 0
    # A label has the color of its instance.
    left, top, _, _ = boxes[0]
    assert image[top + 2, left + 2].tolist() == list(RED)


def test_a_long_label_keeps_its_numbers():
    name = 'a_very_long_class_name_' * 5
    text, width, _ = drawing.fit_text(f'{name} 0.98 | occ 37%', 12, 220)
    assert width <= 220
    assert text.startswith('a_very') and text.endswith('0.98 | occ 37%')
    assert '..' in text


def test_a_crowd_of_labels_stays_in_the_image():
    image = np.zeros((60, 90, 3), np.uint8)
    instances = [instance(square(4), corner=(40, 30)) for _ in range(50)]
    boxes = drawing.draw_labels(image, instances, 9)
    assert len(boxes) == 50 and all(inside(box, image) for box in boxes)


def test_header_leaves_the_image_alone():
    image = np.random.default_rng(0).integers(0, 256, (30, 200, 3), dtype=np.uint8)
    drawn = drawing.add_header(image, 'prediction', 10)
    assert drawn.shape == (50, 200, 3)
    np.testing.assert_array_equal(drawn[20:], image)
    assert drawn[:20].max() > 200  # the title
