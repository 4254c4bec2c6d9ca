import math

import pytest
import torch
from mmdet.models.losses import CrossEntropyLoss

from oaformer.models.losses import class_loss, with_class_weight
from oaformer.models.task_modules import Matches


def test_background_weight_stands_for_the_list():
    config = dict(type='CrossEntropyLoss', bg_cls_weight=0.1)
    assert with_class_weight(config, 2) == dict(
        type='CrossEntropyLoss', class_weight=[1.0, 1.0, 0.1]
    )
    assert config == dict(type='CrossEntropyLoss', bg_cls_weight=0.1)
    plain = dict(type='CrossEntropyLoss', class_weight=[1.0])
    assert with_class_weight(plain, 2) is plain


def test_by_hand():
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
