import pytest
import torch
from mmdet.registry import MODELS

from oaformer.models import OcclusionRateLoss


def test_by_hand():
    """Rates 0.5 and 0.5 against 0 and 1: 0.5 * 0.25 each, times 2, over 2."""
    loss = MODELS.build(dict(type='OcclusionRateLoss'))
    value = loss(torch.zeros(2), torch.tensor([0.0, 1.0]), avg_factor=2)
    assert value.item() == pytest.approx(0.25)
    # |0.5 - 0| = 0.5 beyond beta 0.1: 0.5 - 0.05
    loss = OcclusionRateLoss(beta=0.1, loss_weight=1.0)
    value = loss(torch.zeros(1), torch.zeros(1), avg_factor=1)
    assert value.item() == pytest.approx(0.45)


def test_nothing_matched_is_zero_with_a_graph():
    logits = torch.zeros(0, requires_grad=True)
    loss = OcclusionRateLoss()(logits, torch.zeros(0), avg_factor=1)
    assert loss == 0
    loss.backward()
    assert logits.grad.shape == (0,)
