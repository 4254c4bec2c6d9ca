"""Labels and pixels of what is pasted never disagree."""

import numpy as np
import pytest
from compositing_cases import one_hot_image, random_shape

from oaformer.datasets.compositing import Layers, cut_out
from oaformer.datasets.compositing.edges import OWNER_SHARE
from oaformer.datasets.compositing.layers import occlusion_rates

SIZE = (60, 80)
SEEDS = range(25)


def layers_on(image):
    empty = np.zeros((0, *SIZE), np.uint8)
    return Layers(image, empty, empty, np.zeros(0))


def random_scene(seed, number=6, keep=6):
    """Objects of one channel each, pasted at random; channel 0 is the background."""
    rng = np.random.default_rng(seed)
    background = np.zeros((*SIZE, number + 2), np.float32)
    background[..., 0] = 1
    layers = layers_on(background)
    for index in range(number):
        mask = random_shape(rng, *SIZE)
        cut = cut_out(one_hot_image(index + 2, mask, number + 2), mask)
        place = rng.integers(1, np.array(SIZE) - cut.mask.shape)
        if index < keep:
            layers.paste(cut, place)
    return layers


@pytest.mark.parametrize('seed', SEEDS)
def test_the_owner_of_a_pixel_has_most_of_its_color(seed):
    layers = random_scene(seed)
    owner = np.zeros(SIZE, int)
    for index, visible in enumerate(layers.visible):
        owner[visible > 0] = index + 2
    # channel 1 is the surroundings that objects were cut out of
    assert (layers.image[..., 1] == 0).all()
    np.testing.assert_allclose(layers.image.sum(-1), 1, atol=1e-5)
    share = np.take_along_axis(layers.image, owner[..., None], -1)[..., 0]
    assert share.min() >= OWNER_SHARE - 1e-5
    np.testing.assert_array_equal(layers.image.argmax(-1), owner)


@pytest.mark.parametrize('seed', SEEDS)
def test_masks_agree_with_each_other(seed):
    layers = random_scene(seed)
    amodal, visible = layers.amodal, layers.visible
    assert (visible <= amodal).all()
    assert visible.sum(0).max() == 1  # disjoint
    np.testing.assert_array_equal(visible.any(0), amodal.any(0))
    # what is hidden is what the objects in front cover
    for index in range(len(amodal)):
        covered = amodal[index + 1 :].any(0)
        np.testing.assert_array_equal(visible[index], amodal[index] & ~covered)
    np.testing.assert_allclose(
        layers.rates, 1 - visible.sum((1, 2)) / amodal.sum((1, 2)), atol=1e-9
    )


@pytest.mark.parametrize('seed', SEEDS[:8])
def test_without_the_front_objects_the_hidden_pixels_appear(seed):
    whole = random_scene(seed)
    for keep in range(1, 6):
        rear = random_scene(seed, keep=keep)
        np.testing.assert_array_equal(rear.amodal, whole.amodal[:keep])
        hidden = rear.visible & ~whole.visible[:keep] & 1
        covered = whole.amodal[keep:].any(0)
        np.testing.assert_array_equal(hidden.any(0), rear.visible.any(0) & covered)
        for index in range(keep):
            assert (rear.image.argmax(-1)[hidden[index] > 0] == index + 2).all()


def test_far_from_what_is_pasted_nothing_changes():
    image = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), dtype=np.uint8)
    layers = layers_on(image)
    mask = np.ones((5, 6), np.uint8)
    layers.paste(cut_out(np.full((5, 6, 3), 250, np.uint8), mask), (20, 30))
    changed = (layers.image != image).any(-1)
    assert changed[20:25, 30:36].all()
    changed[19:26, 29:37] = False
    assert not changed.any()
    assert image.max() < 255 and layers.image.dtype == np.uint8
    # deep inside the object is as it was
    assert (layers.image[21:24, 31:35] == 250).all()


def test_occlusion_rates_by_hand():
    # within the image: 40 of 100 pixels were visible, 30 are
    assert occlusion_rates(np.array([0.6]), np.array([40]), np.array([30])) == (
        pytest.approx([0.7])
    )
    # cut by a crop: half of the visible part goes, and so half of the visible share
    assert occlusion_rates(np.array([0.2]), np.array([10]), np.array([5])) == (
        pytest.approx([0.6])
    )
    rates = np.array([0.1, 0.3, 0.0, 0.25])
    before, after = np.array([7, 0, 9, 5]), np.array([7, 0, 0, 0])
    # untouched to the bit; nothing was visible; all is gone
    assert occlusion_rates(rates, before, after).tolist() == [0.1, 0.3, 1.0, 1.0]
