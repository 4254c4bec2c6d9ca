import pytest
import torch

from oaformer.models.roi_heads.rescoring import rescored


def score(score, probability=None, distance=None, offset=2.0):
    values = [
        None if value is None else torch.tensor([value])
        for value in (probability, distance)
    ]
    return rescored(torch.tensor([score]), *values, offset).item()


@pytest.mark.parametrize(
    ('settings', 'expected'),
    [
        # 0.8 * 0.8 = 0.64; times log2(1.5): 0.374376; the third root
        ((0.8, 0.5, 0.5), 0.720725),
        ((0.8, 1.0, 0.0), 0.928318),
        ((0.5, None, 0.2, 3.0), 0.684544),
        ((0.64, 1.0), 0.8),
        ((0.3,), 0.3),
        # too far from all shapes
        ((0.9, 1.0, 1.0), 0),
        ((0.9, 1.0, 1.3), 0),
    ],
)
def test_by_hand(settings, expected):
    assert score(*settings) == pytest.approx(expected, abs=5e-6)


def test_probable_and_near_is_better():
    steps = torch.linspace(0, 0.9, 10)
    ones = torch.ones(10)
    assert (rescored(0.5 * ones, steps).diff() > 0).all()
    assert (rescored(0.5 * ones, None, steps).diff() < 0).all()
