import cv2
import numpy as np
import pytest

from oaformer.datasets.synth_amodal import CLASSES
from oaformer.datasets.synth_amodal.shapes import (
    draw_background,
    draw_shape,
    draw_texture,
)

CENTRE = np.array([50.0, 50.0])


def shape(name, radius=30.0, angle=0.3):
    return draw_shape(CLASSES.index(name), 101, CENTRE, radius, angle)


@pytest.mark.parametrize(
    ('name', 'area'),
    [
        # Areas of the ideal shapes with a radius of 30 around them.
        ('disc', np.pi * 30**2),
        ('square', 2 * 30**2),
        ('triangle', 3 * np.sqrt(3) / 4 * 30**2),
        ('star', 5 * np.sin(np.pi / 5) * 30 * 15),
        ('ring', np.pi * (30**2 - 15**2)),
    ],
)
def test_areas(name, area):
    # The border is half a pixel wider, for border pixels count as inside.
    assert int(shape(name).sum()) == pytest.approx(area, rel=0.12)


@pytest.mark.parametrize('name', CLASSES)
def test_masks_are_binary_and_within_their_circle(name):
    mask = shape(name)
    assert mask.dtype == np.uint8 and set(np.unique(mask)) == {0, 1}
    rows, columns = np.nonzero(mask)
    assert np.hypot(rows - 50, columns - 50).max() <= 31.5


def test_classes_have_hues_of_their_own_and_the_background_is_grey():
    hues = []
    for label, name in enumerate(CLASSES):
        mask = shape(name)
        for seed in range(5):
            texture = draw_texture(np.random.default_rng(seed), label, mask)
            color = texture[mask > 0].mean(0)
            hsv = cv2.cvtColor(np.uint8([[color]]), cv2.COLOR_BGR2HSV)[0, 0]
            hues.append(int(hsv[0]) * 2)  # OpenCV halves the degrees
            assert hsv[1] > 120
            distance = (hues[-1] - 72 * label + 180) % 360 - 180
            assert abs(distance) < 30
    background = draw_background(np.random.default_rng(0), 64)
    assert cv2.cvtColor(background, cv2.COLOR_BGR2HSV)[..., 1].mean() < 60


def test_texture_has_a_dark_rim():
    mask = shape('disc')
    texture = draw_texture(np.random.default_rng(1), 0, mask).astype(int)
    core = cv2.erode(mask, np.ones((9, 9), np.uint8)) > 0
    rim = (mask - cv2.erode(mask, np.ones((3, 3), np.uint8))) > 0
    assert texture[rim].mean() < 0.6 * texture[core].mean()
