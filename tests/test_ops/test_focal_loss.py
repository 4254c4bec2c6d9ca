import math

import pytest
import torch
import torch.nn.functional as F
from mmcv.ops import focal_loss
from mmdet.models.losses.focal_loss import py_sigmoid_focal_loss, sigmoid_focal_loss

from oaformer.ops import mmcv_ext


@pytest.fixture(autouse=True)
def ours(monkeypatch):
    """As on a GPU without compiled operators; MMCV has none for the CPU."""
    monkeypatch.setattr(focal_loss, 'ext_module', mmcv_ext)


def test_by_hand():
    # the second location is background
    logits, target = torch.zeros(2, 2), torch.tensor([1, 2])
    losses = sigmoid_focal_loss(logits, target, reduction='none') / math.log(2)
    # half of the probability is missing: 0.25 and 0.75 of its square
    expected = torch.tensor([[0.1875, 0.0625], [0.1875, 0.1875]])
    torch.testing.assert_close(losses, expected)


@pytest.mark.parametrize('gamma', [0.0, 1.5, 2.0])
@pytest.mark.parametrize('number', [0, 1, 50])
def test_equals_mmdetections_loss_on_the_cpu(number, gamma):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(number, 4, generator=generator, dtype=torch.float64) * 5
    logits.requires_grad_()
    target = torch.randint(0, 5, (number,), generator=generator)
    kept, options = [], dict(gamma=gamma, alpha=0.3, reduction='sum')
    one_hot = F.one_hot(target, 5)[:, :4]
    for loss, classes in (
        (sigmoid_focal_loss, target),
        (py_sigmoid_focal_loss, one_hot),
    ):
        total = loss(logits, classes, **options) * 3
        kept.append((total, *torch.autograd.grad(total, logits)))
    torch.testing.assert_close(*kept)


def test_weights_of_classes_are_an_error():
    with pytest.raises(NotImplementedError, match='weights of classes'):
        focal_loss.sigmoid_focal_loss(
            torch.zeros(1, 2), torch.tensor([0]), 2.0, 0.25, torch.ones(2), 'mean'
        )
