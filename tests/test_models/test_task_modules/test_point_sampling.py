import pytest
import torch
from mmcv.ops import point_sample

from oaformer.models.task_modules import (
    matched_masks,
    sample_masks,
    uncertain_points,
)


@pytest.mark.parametrize('size', [(1, 1), (7, 13), (64, 64)])
def test_sampled_masks_equal_mmcv_on_float_copies(size):
    torch.manual_seed(0)
    masks = (torch.rand(5, *size) > 0.5).to(torch.uint8)
    indices = torch.tensor([4, 0, 0, 2])
    points = torch.rand(4, 300, 2)
    points[0, :4] = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    expected = point_sample(masks[indices].float()[:, None], points)[:, 0]
    torch.testing.assert_close(
        sample_masks(masks, indices, points), expected, rtol=0, atol=2e-5
    )


def test_sampled_mask_by_hand():
    masks = torch.tensor([[[0, 1], [0, 1]]], dtype=torch.uint8)
    # pixel centres lie at 1/4 and 3/4; outside the mask is 0
    points = torch.tensor([[[0.25, 0.5], [0.5, 0.5], [0.75, 0.5], [1.0, 0.5]]])
    sampled = sample_masks(masks, torch.tensor([0]), points)
    torch.testing.assert_close(sampled, torch.tensor([[0.0, 0.5, 1.0, 0.5]]))


def test_masks_are_sampled_where_they_are_uncertain():
    """A mask that is 0 along its middle only: importance sampling goes there."""
    torch.manual_seed(0)
    masks = torch.linspace(-1, 1, 32).expand(1, 32, 32)
    target = torch.zeros(2, 32, 32, dtype=torch.uint8)
    target[1, :, 16:] = 1
    logits, targets = uncertain_points(masks, target, torch.tensor([1]), 400, 3.0, 1.0)
    assert logits.shape == targets.shape == (1, 400)
    # a third of the oversampled points is kept: those nearest to 0
    assert logits.abs().max() < 0.4
    assert (targets[logits < -0.1] == 0).all()
    # within half a pixel of the edge a sample blends with the 0 outside
    assert targets[logits > 0.1].mean() > 0.95


@pytest.mark.parametrize('counts', [(2, 3), (0, 4), (0, 0)])
def test_matched_masks_are_embedding_times_features(counts):
    torch.manual_seed(0)
    embeds = [torch.randn(sum(counts), 6, requires_grad=True) for _ in range(3)]
    features = torch.randn(2, 6, 5, 7, requires_grad=True)
    stages = matched_masks(embeds, features, counts)
    image = [0] * counts[0] + [1] * counts[1]
    for embed, masks in zip(embeds, stages, strict=True):
        assert masks.shape == (sum(counts), 5, 7)
        for mask, own, index in zip(masks, embed, image, strict=True):
            expected = torch.einsum('c,chw->hw', own, features[index])
            torch.testing.assert_close(mask, expected)


def test_nothing_matched_keeps_the_graph():
    embeds = [torch.ones(0, 3, requires_grad=True)]
    features = torch.ones(2, 3, 4, 4, requires_grad=True)
    (masks,) = matched_masks(embeds, features, [0, 0])
    nothing = torch.zeros(0, 16, 16, dtype=torch.uint8)
    indices = torch.zeros(0, dtype=torch.long)
    logits, targets = uncertain_points(masks, nothing, indices, 10, 3.0, 0.75)
    assert len(logits) == len(targets) == 0
    logits.sum().backward()
    assert torch.equal(features.grad, torch.zeros_like(features))
