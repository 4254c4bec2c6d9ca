import numpy as np
import pytest
from compositing_cases import random_shape

from oaformer.datasets.compositing import Places

SIZE = (60, 80)


def tight(mask):
    rows, columns = np.nonzero(mask)
    return mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def scene(seed):
    rng = np.random.default_rng(seed)
    amodal = np.stack([random_shape(rng, *SIZE) for _ in range(3)])
    visible = amodal.copy()
    visible[0] &= 1 - (amodal[1] | amodal[2])
    visible[1] &= 1 - amodal[2]
    rates = 1 - visible.sum((1, 2)) / amodal.sum((1, 2))
    return rng, tight(random_shape(rng, *SIZE)), amodal, visible, rates


def rates_with(mask, place, amodal, visible):
    top, left = place
    assert top >= 1 and left >= 1
    assert top + mask.shape[0] < SIZE[0] and left + mask.shape[1] < SIZE[1]
    visible = visible.copy()
    visible[:, top : top + mask.shape[0], left : left + mask.shape[1]] &= 1 - mask
    return 1 - visible.sum((1, 2)) / amodal.sum((1, 2))


@pytest.mark.parametrize('grid', [192, 20])
def test_a_place_keeps_its_promise_on_any_grid(grid, monkeypatch):
    monkeypatch.setattr('oaformer.datasets.compositing.placement.GRID_SIDE', grid)
    found = 0
    for seed in range(20):
        rng, mask, amodal, visible, rates = scene(seed)
        places = Places(mask, visible, rates)
        for wanted in (0.15, 0.4, 0.6):
            place = places.hiding(rng, 2, wanted)
            if place is not None:
                found += 1
                after = rates_with(mask, place, amodal, visible)
                assert after[2] == pytest.approx(wanted, abs=0.02 + 1e-9)
                np.testing.assert_allclose(after[:2], rates[:2], atol=1e-9)
            place = places.hiding(rng, 2, wanted, max_rate=wanted)
            if place is not None:
                after = rates_with(mask, place, amodal, visible)
                assert after[2] == pytest.approx(wanted, abs=0.02 + 1e-9)
                assert (after <= np.maximum(rates, wanted) + 1e-9).all()
        place = places.clear(rng)
        if place is not None:
            found += 1
            after = rates_with(mask, place, amodal, visible)
            np.testing.assert_allclose(after, rates, atol=1e-9)
    assert found > 20


def test_no_place_is_none():
    rng = np.random.default_rng(0)
    nothing = Places(np.ones((60, 80), np.uint8), np.zeros((0, *SIZE), 'u1'), [])
    assert nothing.clear(rng) is None
    full = np.ones((1, *SIZE), np.uint8)
    places = Places(np.ones((5, 5), np.uint8), full, np.zeros(1))
    assert places.clear(rng) is None
    # 25 of 4,800 pixels are no tenth
    assert places.hiding(rng, 0, 0.1) is None


def test_an_empty_image_has_places_everywhere():
    rng = np.random.default_rng(0)
    places = Places(np.ones((50, 50), np.uint8), np.zeros((0, *SIZE), 'u1'), [])
    found = {places.clear(rng) for _ in range(400)}
    # rows 1 to 9, columns 1 to 29: one pixel is kept from the border
    assert {top for top, _ in found} == set(range(1, 10))
    assert {left for _, left in found} == set(range(1, 30))
