import math

import pytest
import torch
from mmdet.models.losses import CrossEntropyLoss, DiceLoss

from oaformer.models.losses import (
    PointSampling,
    class_loss,
    mask_losses,
    with_class_weight,
)
from oaformer.models.task_modules import Matches

SAMPLING = PointSampling(50, 3.0, 0.75)
LOSSES = (
    CrossEntropyLoss(use_sigmoid=True, loss_weight=2.0),
    DiceLoss(use_sigmoid=True, activate=True, naive_dice=True, eps=1.0),
)


def test_background_weight_becomes_the_list():
    config = dict(type='CrossEntropyLoss', bg_cls_weight=0.1)
    assert with_class_weight(config, 2) == dict(
        type='CrossEntropyLoss', class_weight=[1.0, 1.0, 0.1]
    )
    assert config == dict(type='CrossEntropyLoss', bg_cls_weight=0.1)
    plain = dict(type='CrossEntropyLoss', class_weight=[1.0])
    assert with_class_weight(plain, 2) is plain


def test_class_loss_by_hand():
    """Query 1 of image 0 is matched to the second object; all others are background."""
    probabilities = torch.tensor(
        [[[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]], [[0.1, 0.1, 0.8], [0.2, 0.4, 0.4]]]
    )
    match = Matches(torch.tensor([0]), torch.tensor([1]), torch.tensor([1]))
    weight = [1.0, 1.0, 0.5]
    loss = class_loss(
        CrossEntropyLoss(class_weight=weight),
        probabilities.log(),
        torch.tensor([0, 1]),
        match,
        weight,
    )
    background = 0.5 * (math.log(4) - math.log(0.8) - math.log(0.4))
    assert loss.item() == pytest.approx((math.log(2) + background) / 2.5, rel=1e-5)


def test_mask_losses_of_empty_targets_by_hand():
    """Probability 1/2 everywhere: CE is log 2, dice 1 - 1 / (P / 2 + 1)."""
    masks = torch.zeros(3, 8, 8)
    targets = torch.zeros(5, 16, 16, dtype=torch.uint8)
    mask, dice = mask_losses(
        LOSSES, masks, targets, torch.tensor([4, 0, 2]), torch.tensor(6.0), SAMPLING
    )
    # three masks, divided by six
    assert mask.item() == pytest.approx(0.5 * 2 * math.log(2))
    assert dice.item() == pytest.approx(0.5 * (1 - 1 / (50 / 2 + 1)))


def test_each_mask_has_its_own_object():
    torch.manual_seed(0)
    targets = torch.zeros(2, 64, 64, dtype=torch.uint8)
    targets[1] = 1
    masks = torch.stack([torch.full((64, 64), 9.0), torch.full((64, 64), -9.0)])

    def loss(instance):
        instance = torch.tensor(instance)
        return mask_losses(
            LOSSES, masks, targets, instance, torch.tensor(2.0), SAMPLING
        )

    # at the edge, logits and targets blend with the 0 outside
    assert max(loss([1, 0])) < 0.5
    assert loss([0, 1])[0] > 15
    assert loss([0, 1])[1] > 0.9


def test_nothing_matched_is_0_and_keeps_the_graph():
    masks = torch.zeros(0, 8, 8, requires_grad=True)
    targets = torch.zeros(0, 16, 16, dtype=torch.uint8)
    instance = torch.zeros(0, dtype=torch.long)
    losses = mask_losses(LOSSES, masks, targets, instance, torch.tensor(1.0), SAMPLING)
    assert [loss.item() for loss in losses] == [0, 0]
    sum(losses).backward()
    assert masks.grad is not None
