import math

import pytest
import torch
import torch.nn.functional as F
from roi_cases import two_objects

from oaformer.models.roi_heads.layering import count_map, layering_features, noisy_or


def union(*logits, dtype=torch.float32):
    """The union of one pixel's layers."""
    return noisy_or(torch.tensor(logits, dtype=dtype)[None, :, None, None])[0, 0, 0]


def test_probabilities_by_hand():
    for logit in (-3.0, 0.0, 50.0):
        assert union(logit) == logit
    assert union(0.0, 0.0).sigmoid() == pytest.approx(0.75)
    assert union(-math.inf, -math.inf).sigmoid() == 0
    # surely invisible
    assert union(-4.0, 4.0).sigmoid() == pytest.approx(0.98233, abs=1e-5)
    # nothing there: 2 ln 2
    loss = F.binary_cross_entropy_with_logits(union(0.0, 0.0), torch.tensor(0.0))
    assert loss == pytest.approx(1.3863, abs=1e-4)


@pytest.mark.parametrize('layers', [1, 2, 3])
def test_loss_and_gradient_are_those_of_the_definition(layers):
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(4, layers, 6, 5, dtype=torch.float64, generator=generator)
    target = (torch.rand(4, 6, 5, generator=generator) < 0.5).double()
    found = []
    for ours in (True, False):
        logits = logits.clone().detach().requires_grad_()
        if ours:
            loss = F.binary_cross_entropy_with_logits(noisy_or(logits), target)
        else:
            total = F.softplus(logits).sum(dim=1)
            inside = -torch.log(-torch.expm1(-total))
            loss = torch.where(target > 0, inside, total).mean()
        found.append((loss, *torch.autograd.grad(loss, logits)))
    torch.testing.assert_close(*found)


def test_extreme_logits_have_exact_losses():
    """1 - exp(-s) would be 0 or 1 there, and its logarithm infinite."""
    logits = torch.tensor([[-200.0, -200], [200, 200], [200, -200]])
    logits = logits[:, :, None, None].requires_grad_()
    for value, expected in (
        (1.0, [200 - math.log(2), 0, 0]),
        (0.0, [0, 400, 200]),
    ):
        target = torch.full((3, 1, 1), value)
        loss = F.binary_cross_entropy_with_logits(
            noisy_or(logits), target, reduction='none'
        )
        assert loss.flatten().tolist() == pytest.approx(expected)
        assert torch.autograd.grad(loss.sum(), logits)[0].isfinite().all()


def test_count_map_by_hand():
    squares = torch.zeros(2, 5, 5, dtype=torch.uint8)
    squares[0, 1:3, 1:3] = 1
    squares[1, 2:4, 2:4] = 1
    counts = count_map(squares, 3)
    assert counts.flatten().bincount().tolist() == [18, 6, 1]
    scene = torch.from_numpy(two_objects().masks)
    assert count_map(scene, 3).flatten().bincount().tolist() == [265, 125, 10]
    # as many masks as uint8 can't count, and none
    many = torch.ones(300, 2, 2, dtype=torch.uint8)
    assert count_map(many, 1000).unique().tolist() == [300]
    assert count_map(many, 3).unique().tolist() == [3]
    assert count_map(many[:0], 3).tolist() == [[0, 0], [0, 0]]


def test_features_by_hand():
    logits = torch.tensor([1.0, 2, 5]).log()[None, :, None, None].requires_grad_()
    features = layering_features(logits)
    assert features.flatten().tolist() == pytest.approx([1 / 8, 2 / 8, 5 / 8, 1])
    by_count, by_class = (
        torch.autograd.grad(part.sum(), logits, retain_graph=True)[0]
        for part in (features[:, 3], features[:, 0])
    )
    assert (by_count == 0).all() and (by_class != 0).all()
    assert layering_features(logits.bfloat16()).dtype == torch.float32
