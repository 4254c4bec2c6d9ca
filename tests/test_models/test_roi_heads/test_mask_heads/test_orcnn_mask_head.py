import pytest
import torch
import torch.nn.functional as F
from roi_cases import CHANNELS, TRAIN_CFG, TRUNK, random_batch

from oaformer.models.roi_heads import FCNAmodalMaskHead, ORCNNMaskHead


class Fixed(torch.nn.Module):
    def __init__(self, *values):
        super().__init__()
        self.values = torch.nn.Parameter(torch.tensor(values))

    def forward(self, x):
        return self.values[:, None, None, None].expand(-1, 1, 28, 28)


def test_invisible_logits_by_hand():
    head = ORCNNMaskHead(1, **TRUNK)
    head.trunks['amodal'] = Fixed(2.0, 2.0, -2.0)
    visible = head.trunks['visible'] = Fixed(3.0, -3.0, 1.0)
    logits = head(None)[:, :, 0, 0]
    assert logits[:, 2].tolist() == [-1, 2, -3]
    losses = F.binary_cross_entropy_with_logits(
        logits[[0, 0, 1], 2], torch.tensor([1.0, 0, 1]), reduction='none'
    )
    assert losses.tolist() == pytest.approx([1.3133, 0.3133, 0.1269], abs=1e-4)
    # where nothing is visible, the invisible mask says nothing about the visible one
    logits[:, 2].sum().backward()
    assert visible.values.grad.tolist() == [-1, 0, -1]


def test_targets_of_the_invisible_mask():
    head = ORCNNMaskHead(3, **TRUNK)
    truth, results = random_batch()
    targets = head.targets(results, truth, TRAIN_CFG)
    assert torch.equal(targets['invisible'], targets['amodal'] & ~targets['visible'])
    assert targets['invisible'].sum() > 100


def test_without_its_loss_it_is_two_heads():
    torch.manual_seed(0)
    head = ORCNNMaskHead(3, loss_weights=dict(invisible=0.0), **TRUNK)
    head.init_weights()
    truth, results = random_batch()
    x = torch.randn(12, CHANNELS, 14, 14)
    losses = head.loss_and_target(head(x), results, truth, TRAIN_CFG)['loss_mask']
    sum(losses.values()).backward()
    for name, key in (('amodal', 'loss_mask'), ('visible', 'loss_mask_visible')):
        other = FCNAmodalMaskHead(3, **TRUNK)
        other.trunks['amodal'].load_state_dict(head.trunks[name].state_dict())
        if name == 'visible':
            for instances in truth:
                masks = instances.masks
                instances.masks = type(masks)(masks.visible, masks.height, masks.width)
        own = other.loss_and_target(other(x), results, truth, TRAIN_CFG)['loss_mask']
        assert torch.equal(own['loss_mask'], losses[key])
        own['loss_mask'].backward()
        pairs = zip(head.trunks[name].parameters(), other.parameters(), strict=True)
        for ours, theirs in pairs:
            torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-5, atol=1e-8)
