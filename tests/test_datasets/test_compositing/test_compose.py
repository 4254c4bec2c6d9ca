import cv2
import numpy as np
import pytest
from compositing_cases import random_shape

from oaformer.datasets.compositing import (
    OcclusionTarget,
    Scene,
    SceneObject,
    compose,
    cut_out,
)

SIZE = (60, 80)
CHANNELS = 300
HALF = OcclusionTarget.parse(['0.1-0.7:0.5'])


def empty_background(rng):
    image = np.zeros((*SIZE, CHANNELS), np.float32)
    image[..., 0] = 1
    return Scene(image, [], 0, {})


def own_objects(crowd=False):
    """A background with two boxes, the rear one (channel 2) hidden by a quarter."""
    rear, front = np.zeros((2, *SIZE), np.uint8)
    rear[10:30, 10:30] = 1
    front[10:30, 25:45] = 1
    image = empty_background(None).image
    for channel, mask in ((2, rear), (3, front)):
        image[mask > 0] = np.eye(CHANNELS)[channel]
    objects = [
        SceneObject(front, front, dict(channel=3)),
        SceneObject(rear, rear & (1 - front), dict(channel=2, iscrowd=int(crowd))),
    ]
    return lambda rng: Scene(image, objects, 0, {})


def drawer(first_channel=4):
    """Draws cut-outs that have a channel of the image each."""
    channels = iter(range(first_channel, CHANNELS))

    def draw(rng, size, shrink):
        channel = next(channels)
        cut = cut_out(np.zeros((*SIZE, 1)), random_shape(rng, *SIZE), shrink)
        pixels = np.zeros((*cut.mask.shape, CHANNELS), np.float32)
        pixels[..., channel] = 1
        return cut._replace(pixels=pixels), dict(channel=channel)

    return draw


def check(composite):
    """Every pixel shows the object that its labels say."""
    owner = np.zeros(SIZE, int)
    covered = np.zeros(SIZE, np.uint8)
    for one in composite.objects:
        assert (one.visible <= one.amodal).all()
        assert not (one.visible & covered).any()
        covered |= one.visible
        owner[one.visible > 0] = one.fields['channel']
    np.testing.assert_array_equal(composite.image.argmax(-1), owner)
    assert np.take_along_axis(composite.image, owner[..., None], -1).min() >= 0.5999


@pytest.mark.parametrize('edges', [('rim',), ('rim', 'gaussian')])
@pytest.mark.parametrize('seed', range(8))
def test_labels_and_pixels_of_a_composite(seed, edges):
    rng = np.random.default_rng(seed)
    composite = compose(rng, empty_background, drawer(), (2, 5), HALF, edges)
    check(composite)
    assert 2 <= len(composite.objects) <= 5
    assert composite.num_ordered == len(composite.objects)
    # front-most first: each is whole but for what is in front of it
    front = np.zeros(SIZE, np.uint8)
    for one in composite.objects:
        np.testing.assert_array_equal(one.visible, one.amodal & (1 - front))
        front |= one.amodal
        x, y, width, height = cv2.boundingRect(one.amodal)
        assert x >= 1 and y >= 1 and x + width < SIZE[1] and y + height < SIZE[0]
        rate = one.occlusion_rate
        assert rate == 0 or 0.1 <= rate <= 0.7


@pytest.mark.parametrize('crowd', [False, True])
def test_objects_of_the_background_keep_their_labels(crowd):
    hidden = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        composite = compose(rng, own_objects(crowd), drawer(), (1, 3), HALF)
        check(composite)
        pasted = len(composite.objects) - 2
        assert 1 <= pasted <= 3 and composite.num_ordered == pasted
        front, rear = composite.objects[-2:]
        assert (front.amodal.sum(), rear.amodal.sum()) == (400, 400)
        hidden += front.occlusion_rate > 0
        # it was a quarter; a crowd may be hidden by chance, another object is not
        assert rear.occlusion_rate >= 0.25
        assert crowd or rear.occlusion_rate == 0.25
    assert hidden


@pytest.mark.parametrize('bins', [[], ['0.2-0.5:0.6']])
def test_the_share_of_occluded_objects_is_the_wanted_one(bins):
    target = OcclusionTarget.parse(bins)
    rates = []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        composite = compose(rng, empty_background, drawer(), (4, 5), target)
        rates += [one.occlusion_rate for one in composite.objects]
    rates = np.array(rates)
    occluded = rates[rates > 0]
    assert len(occluded) / len(rates) == pytest.approx(target.occluded_share, abs=0.12)
    assert ((occluded >= 0.2) & (occluded < 0.5)).all()
