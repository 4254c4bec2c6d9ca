import pytest
import torch
import torch.nn.functional as F

from oaformer.models.losses import matching_loss, weighted_mask_loss


def test_weighted_mask_loss_by_hand():
    logits = torch.tensor([2.0, -2.0])[:, None, None].expand(-1, 3, 3)
    targets = torch.ones(2, 3, 3, dtype=torch.bool)
    loss = weighted_mask_loss(logits, targets, torch.tensor([1.0, 0.5]))
    # log(1 + exp(-2)) is 0.1269, log(1 + exp(2)) 2.1269
    assert loss.item() == pytest.approx((0.1269 + 0.5 * 2.1269) / 2, abs=1e-4)


def test_matching_loss_by_hand():
    one = torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1)
    other = one.flip(1)
    assert matching_loss(3 * one, one).item() == pytest.approx(0)
    assert matching_loss(one, other).item() == pytest.approx(1)
    assert matching_loss(one, -one).item() == pytest.approx(2)
    both = matching_loss(torch.cat([one, one]), torch.cat([one, -one]))
    assert both.item() == pytest.approx(1)


def test_matching_loss_is_that_of_pytorchs_cosine():
    torch.manual_seed(0)
    features, reference = torch.randn(2, 5, 4, 3, 3).unbind(0)
    features[0] = 0  # without a direction
    ours, plain = (features.clone().requires_grad_() for _ in range(2))
    loss = matching_loss(ours, reference)
    expected = 1 - F.cosine_similarity(plain.flatten(1), reference.flatten(1)).mean()
    torch.testing.assert_close(loss, expected)
    loss.backward()
    expected.backward()
    torch.testing.assert_close(ours.grad[1:], plain.grad[1:])
    assert ours.grad.isfinite().all()


def test_the_better_pass_is_no_part_of_the_gradient():
    features = torch.randn(3, 4, 2, 2, requires_grad=True)
    reference = torch.randn(3, 4, 2, 2, requires_grad=True)
    matching_loss(features, reference).backward()
    assert features.grad.abs().sum() > 0
    assert reference.grad is None


def test_without_rois_they_are_zero():
    x = torch.zeros(0, 4, 2, 2, requires_grad=True)
    loss = matching_loss(x, x) + weighted_mask_loss(
        x[:, 0], x[:, 0] > 0, torch.zeros(0)
    )
    loss.backward()
    assert loss.item() == 0
    assert x.grad.shape == x.shape
