"""An edge changes colors near an outline, never labels."""

import cv2
import numpy as np
import pytest
from compositing_cases import one_hot_image, random_shape

from oaformer.datasets.compositing import EDGES, Layers, cut_out, draw_edge, edges
from oaformer.datasets.compositing.edges import (
    MARGIN,
    OWNER_SHARE,
    gaussian,
    poisson,
    rim,
)

SIZE = (60, 80)


def noise(seed, size=SIZE, sigma=0):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    return cv2.GaussianBlur(image, (0, 0), sigma) if sigma else image


def square(side=3, margin=MARGIN):
    return np.pad(np.ones((side, side), np.uint8), margin)


def ring():
    """A disk with a hole, (40, 40)."""
    mask = np.zeros((40, 40), np.uint8)
    cv2.circle(mask, (20, 20), 18, 1, -1)
    cv2.circle(mask, (20, 20), 6, 0, -1)
    return mask


def near(mask, distance):
    return cv2.dilate(mask, np.ones((2 * distance + 1,) * 2, np.uint8)) > 0


def pasted(edge, mask, place, background, color_seed=9):
    """A noisy object on a background, and the mask where it is."""
    empty = np.zeros((0, *background.shape[:2]), np.uint8)
    layers = Layers(background, empty, empty, np.zeros(0))
    layers.paste(cut_out(noise(color_seed, mask.shape), mask), place, edge)
    return layers


def test_a_rim_by_hand():
    below = np.zeros((7, 7, 3))
    pixels, alpha = rim(below + 200, square(), below)
    assert (pixels == 200).all()
    # half a pixel inside the outline 0.75, half a pixel outside 0.25
    corner = 0.5 + (0.5 - np.sqrt(2)) / 2
    expected = [
        [corner, 0.25, 0.25, 0.25, corner],
        [0.25, 0.75, 0.75, 0.75, 0.25],
        [0.25, 0.75, 1.0, 0.75, 0.25],
        [0.25, 0.75, 0.75, 0.75, 0.25],
        [corner, 0.25, 0.25, 0.25, corner],
    ]
    np.testing.assert_allclose(alpha, np.pad(expected, 1), atol=1e-6)


def test_a_gaussian_edge_by_hand():
    below = np.zeros((20, 20, 3))
    _, alpha = gaussian(below, square(10, margin=5), below)
    weights = np.exp(-(np.arange(-2, 3) ** 2) / 8)
    blurred = np.cumsum(weights / weights.sum())  # across a straight outline
    np.testing.assert_allclose(alpha[10, 2:9], [0, *blurred, 1], atol=0.005)
    # at a corner a third of what is near is the object
    assert alpha[5, 5] == np.float32(OWNER_SHARE)


@pytest.mark.parametrize('edge', EDGES)
def test_the_owner_of_a_pixel_has_most_of_it(edge):
    for seed in range(8):
        mask = random_shape(np.random.default_rng(seed), 120, 160)
        below, pixels = noise(seed, mask.shape), noise(seed + 50, mask.shape)
        _, alpha = EDGES[edge](pixels, mask, below)
        assert (alpha[mask > 0] >= np.float32(OWNER_SHARE)).all()
        assert (alpha[mask == 0] <= np.float32(1 - OWNER_SHARE)).all()
        assert (alpha[~near(mask, MARGIN)] == 0).all()
        core = ~near(1 - mask, MARGIN)
        assert core.any() and (alpha[core] == 1).all()


def test_gaussian_edges_that_cross_leave_the_owner_its_share():
    background = np.zeros((*SIZE, 8), np.float32)
    background[..., 0] = 1
    empty = np.zeros((0, *SIZE), np.uint8)
    for seed in range(8):
        rng = np.random.default_rng(seed)
        layers = Layers(background, empty, empty, np.zeros(0))
        owner = np.zeros(SIZE, int)
        for channel in range(2, 8):
            mask = random_shape(rng, *SIZE)
            cut = cut_out(one_hot_image(channel, mask, 8), mask)
            place = rng.integers(0, np.array(SIZE) - cut.mask.shape + 1)
            layers.paste(cut, place, 'gaussian')
            owner[layers.amodal[-1] > 0] = channel
        share = np.take_along_axis(layers.image, owner[..., None], -1)
        assert share.min() >= OWNER_SHARE - 1e-5
        np.testing.assert_allclose(layers.image.sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize('edge', EDGES)
@pytest.mark.parametrize('mask', [ring(), square(21, 0), square(20, 0), square(1, 0)])
@pytest.mark.parametrize('corner', [(0, 0), (1, 1), (9, 12), (-1, -1), (0, -2)])
def test_labels_are_exact_and_what_is_far_away_stays(edge, mask, corner):
    background = noise(0)
    tight = cut_out(noise(9, mask.shape), mask).mask
    room = np.array(SIZE) - tight.shape + 1
    place = np.array(corner) % room
    layers = pasted(edge, mask, place, background)
    expected = np.zeros(SIZE, np.uint8)
    expected[
        place[0] : place[0] + tight.shape[0], place[1] : place[1] + tight.shape[1]
    ] = tight
    np.testing.assert_array_equal(layers.amodal[0], expected)
    np.testing.assert_array_equal(layers.visible[0], expected)
    far = ~near(expected, MARGIN)
    np.testing.assert_array_equal(layers.image[far], background[far])
    assert (layers.image != background)[expected > 0].any()
    if tight.shape == (37, 37):  # the ring: nothing reaches the middle of its hole
        assert far[place[0] + 18, place[1] + 18]


def test_gaussian_leaves_the_core_of_an_object_as_it_was():
    mask = random_shape(np.random.default_rng(3), 120, 160)
    image, background = noise(3, mask.shape), noise(4, mask.shape)
    layers = Layers(background, mask[None][:0], mask[None][:0], np.zeros(0))
    x, y, _, _ = cv2.boundingRect(mask)
    layers.paste(cut_out(image, mask), (y, x), 'gaussian')
    core = ~near(1 - mask, MARGIN)
    assert core.sum() > 100
    np.testing.assert_array_equal(layers.image[core], image[core])


@pytest.mark.parametrize('height', [20, 21])
@pytest.mark.parametrize('width', range(20, 24))
@pytest.mark.parametrize('place', [(0, 0), (15, 20)])
def test_poisson_does_not_shift_an_object(height, width, place):
    # pasted where it was, an object changes little; a pixel off it changes much
    image = noise(1, sigma=1)
    mask = np.zeros(SIZE, np.uint8)
    mask[place[0] : place[0] + height, place[1] : place[1] + width] = 1
    layers = Layers(image, mask[None][:0], mask[None][:0], np.zeros(0))
    layers.paste(cut_out(image, mask), place, 'poisson')
    core = ~near(1 - mask, MARGIN)
    shifts = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    errors = {
        shift: np.abs(np.roll(image, shift, (0, 1)) - layers.image.astype(float))
        for shift in shifts
    }
    errors = {shift: error[core].mean() for shift, error in errors.items()}
    assert 3 * errors.pop((0, 0)) < min(errors.values())


def test_poisson_keeps_the_texture_and_takes_the_brightness():
    mask = np.zeros(SIZE, np.uint8)
    mask[15:45, 20:60] = 1
    texture = np.clip(noise(2, sigma=1) // 4 + 10, 0, 255)
    pixels, _ = poisson(texture, mask, np.full((*SIZE, 3), 180, np.uint8))
    core = ~near(1 - mask, 4)
    assert texture[core].mean() < 60
    assert pixels[core].mean() == pytest.approx(180, abs=10)
    wanted, got = (each[core].astype(float).ravel() for each in (texture, pixels))
    assert np.corrcoef(wanted, got)[0, 1] > 0.9


def test_poisson_keeps_the_texture_to_the_outline():
    # seamlessClone alone lets three pixels inside it show what is below
    mask = np.zeros(SIZE, np.uint8)
    mask[15:45, 20:60] = 1
    below = noise(3)
    colors, _ = poisson(np.full((*SIZE, 3), 90, np.uint8), mask, below)
    rows = [15, 16, 17, 42, 43, 44]
    texture, shown = (
        np.abs(np.diff(each[rows, 23:57].astype(int), axis=1)).mean((1, 2))
        for each in (colors, below)
    )
    assert (texture < 0.4 * shown).all()


@pytest.mark.parametrize('thickness', range(1, 9))
def test_poisson_of_something_thin_is_gaussian(thickness):
    mask = np.zeros(SIZE, np.uint8)
    mask[20 : 20 + thickness, 10:70] = 1
    mask[5, 5] = 1
    pixels, below = noise(0), noise(1)
    colors, alpha = poisson(pixels, mask, below)
    np.testing.assert_array_equal(alpha, gaussian(pixels, mask, below)[1])
    assert np.array_equal(colors, pixels) == (thickness < 7)


def test_poisson_of_something_large_is_gaussian(monkeypatch):
    mask, pixels, below = ring(), noise(0, (40, 40)), noise(1, (40, 40))
    monkeypatch.setattr(edges, 'MAX_CLONED_AREA', 1600)
    assert (poisson(pixels, mask, below)[0] != pixels).any()
    monkeypatch.setattr(edges, 'MAX_CLONED_AREA', 1599)
    np.testing.assert_array_equal(poisson(pixels, mask, below)[0], pixels)


@pytest.mark.parametrize('shape, dtype', [((9, 9, 3), 'f4'), ((9, 9, 1), 'u1')])
def test_poisson_refuses_other_images(shape, dtype):
    image = np.zeros(shape, dtype)
    with pytest.raises(ValueError, match='3 channels in uint8, this one is of shape'):
        poisson(image, square(5), image)


def test_poisson_of_any_small_shape_at_any_place():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        background = noise(seed, rng.integers(12, 24, 2))
        mask = (rng.random(rng.integers(1, 13, 2)) < rng.random()).astype(np.uint8)
        mask.flat[0] = 1
        size = cut_out(np.zeros((*mask.shape, 3), np.uint8), mask).mask.shape
        place = rng.integers(0, np.array(background.shape[:2]) - size + 1)
        layers = pasted('poisson', mask, place, background)
        assert layers.amodal[0].sum() == mask.sum()
        far = ~near(layers.amodal[0], MARGIN)
        np.testing.assert_array_equal(layers.image[far], background[far])


def test_an_edge_is_drawn_for_each_object():
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    assert draw_edge(rng, ['rim']) == 'rim'
    # images of a seed are those of times when there was one edge
    assert rng.bit_generator.state == before
    drawn = [draw_edge(rng, list(EDGES)) for _ in range(300)]
    assert all(drawn.count(edge) > 70 for edge in EDGES)
