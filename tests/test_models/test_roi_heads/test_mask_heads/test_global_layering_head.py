import numpy as np
import pytest
import torch
from mmdet.models.roi_heads.mask_heads import FusedSemanticHead
from mmengine.structures import InstanceData
from roi_cases import CHANNELS, random_objects

from oaformer.models.roi_heads import GlobalLayeringHead
from oaformer.structures import AmodalMasks

SIZE = (64, 96)


@pytest.fixture
def head():
    torch.manual_seed(0)
    head = GlobalLayeringHead(in_channels=CHANNELS, conv_out_channels=CHANNELS)
    head.init_weights()
    return head


def levels(batch_size=2):
    generator = torch.Generator().manual_seed(1)
    return [
        torch.randn(
            batch_size,
            CHANNELS,
            SIZE[0] // stride,
            SIZE[1] // stride,
            generator=generator,
        )
        for stride in (4, 8, 16, 32, 64)
    ]


def truth(counts=(4, 0)):
    rng = np.random.default_rng(0)
    return [
        InstanceData(masks=random_objects(rng, count, SIZE) if count else empty())
        for count in counts
    ]


def empty():
    return AmodalMasks([], *SIZE)


def test_layers_and_loss_are_mmdetections(head):
    stock = FusedSemanticHead(
        5, 1, in_channels=CHANNELS, conv_out_channels=CHANNELS, num_classes=4
    )
    weights = head.state_dict()
    own = {name for name in stock.state_dict() if 'conv_embedding' in name}
    assert stock.state_dict().keys() - own == weights.keys() and own
    stock.load_state_dict(weights, strict=False)
    logits, _ = head(levels())
    assert logits.shape == (2, 4, 8, 12)
    assert torch.equal(logits, stock(levels())[0])
    objects = truth((4, 3))
    counts = np.stack([each.masks.masks.sum(axis=0).clip(max=3) for each in objects])
    expected = stock.loss(logits, torch.from_numpy(counts)[:, None])
    assert torch.equal(head.loss(logits, objects), expected)


def test_loss_by_hand(head):
    """Five objects over each other are three; what is not there is none."""
    masks = np.zeros((5, *SIZE), np.uint8)
    masks[:, :, 48:] = 1
    masks[0] = 1
    objects = [InstanceData(masks=AmodalMasks(masks, *SIZE))]
    sure = torch.full((1, 4, 8, 12), -50.0)
    sure[:, 3, :, 6:] = 50
    sure[:, 1, :, :6] = 50
    assert head.loss(sure, objects) < 1e-6
    even = torch.zeros(1, 4, 8, 12)
    assert head.loss(even, objects) == pytest.approx(0.2 * np.log(4))
    assert head.loss(sure, [InstanceData(masks=empty())]) == pytest.approx(0.2 * 100)


def test_two_images_are_the_mean_of_each_alone(head):
    x, objects = levels(), truth()
    both = head.loss(head(x)[0], objects)
    alone = [
        head.loss(head([level[i : i + 1] for level in x])[0], objects[i : i + 1])
        for i in range(2)
    ]
    torch.testing.assert_close(both, sum(alone) / 2)


@pytest.mark.parametrize('counts', [(4, 3), (0, 0)])
def test_every_weight_has_a_gradient(head, counts):
    head.loss(head(levels())[0], truth(counts)).backward()
    assert all(weight.grad is not None for weight in head.parameters())
