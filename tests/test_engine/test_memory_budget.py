import pytest
from torch import nn

from oaformer.engine.memory_budget import (
    StepMemory,
    Weights,
    images_that_fit,
    needed,
    weights_of,
)


def step(peak, kept=0):
    return StepMemory({part: kept for part in ('backbone', 'losses')}, peak)


def test_straight_line():
    one, two = step(100, kept=10), step(160, kept=18)
    assert one.at(two, 1) == one
    assert one.at(two, 2) == two
    assert one.at(two, 5) == step(340, kept=42)


def test_images_that_fit():
    gib = 2**30
    weights = Weights(gib // 4, gib // 4, gib // 2)
    one, two = step(2 * gib), step(3 * gib)
    # by hand: 1.5 + 1.1 * (1 + 1 + n) GiB
    assert needed(weights, one) == pytest.approx(4.8 * gib)
    for card, count in [(4.7, 0), (4.9, 1), (5.8, 1), (6.0, 2), (16, 11)]:
        assert images_that_fit(card * gib, weights, one, two) == count


def test_weights_by_hand():
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    model[0].requires_grad_(False)
    # 12 + 3 frozen, 3 + 3 trained, 3 + 3 buffers and a counter of 8 bytes
    assert weights_of(model) == (4 * (15 + 6 + 6) + 8, 24, 48)
