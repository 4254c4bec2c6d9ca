import numpy as np
import pytest

from oaformer.datasets.synth_amodal import CLASSES, draw_scene
from oaformer.datasets.synth_amodal.scenes import MAX_OCCLUSION


def scene(seed, **kwargs):
    return draw_scene(np.random.default_rng(seed), **kwargs)


@pytest.fixture(scope='module')
def scenes():
    return [scene(seed, size=96) for seed in range(60)]


def test_shapes_and_kinds(scenes):
    for item in scenes:
        assert item.image.shape == (96, 96, 3) and item.image.dtype == np.uint8
        assert 2 <= len(item.objects) <= 5
        for one in item.objects:
            assert one.amodal.shape == one.visible.shape == (96, 96)
            assert one.amodal.dtype == one.visible.dtype == np.uint8
            # inside the frame and large enough
            assert not one.amodal[[0, -1]].any() and not one.amodal[:, [0, -1]].any()
            assert max(np.ptp(np.nonzero(one.amodal), axis=1)) >= 0.15 * 96
    ids = {one.fields['category_id'] for item in scenes for one in item.objects}
    assert ids == set(range(1, len(CLASSES) + 1))


def test_visible_masks_follow_from_amodal_masks_and_depth(scenes):
    for item in scenes:
        in_front = np.zeros((96, 96), bool)
        for one in item.objects:
            np.testing.assert_array_equal(one.visible, one.amodal & ~in_front)
            in_front |= one.amodal > 0
        visible = np.stack([one.visible for one in item.objects])
        assert visible.sum(0).max() <= 1
        np.testing.assert_array_equal(visible.any(0), in_front)


def test_occlusion_is_controlled(scenes):
    rates = np.array([one.occlusion_rate for item in scenes for one in item.objects])
    assert rates.max() <= MAX_OCCLUSION
    assert 0.4 < (rates > 0).mean() < 0.6
    # All of the range occurs.
    assert rates.max() > 0.55 and rates[rates > 0].min() < 0.2


def test_parameters_are_obeyed():
    for seed in range(10):
        clear = scene(seed, occluded_fraction=0.0)
        assert all(one.occlusion_rate == 0 for one in clear.objects)
        pair = scene(
            seed,
            num_objects=(2, 2),
            occluded_fraction=1.0,
            occlusion_range=(0.3, 0.4),
        )
        rates = [one.occlusion_rate for one in pair.objects]
        assert rates[0] == 0
        # A place is taken from 0.08 around the wanted rate on.
        assert rates[1] == 0 or 0.22 <= rates[1] <= 0.48


def test_too_many_objects_are_an_error():
    with pytest.raises(ValueError, match='cannot place 30 objects'):
        scene(0, size=64, num_objects=(30, 30), occluded_fraction=0.0)
