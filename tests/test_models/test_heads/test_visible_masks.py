"""The visible-mask branch: one more mask embedding of the same queries."""

import pytest
import torch
from tiny_models import images, oaformer, samples, without_odm

from oaformer.models.task_modules import AmodalTargets, OAFormerOutput

AMODAL_LAYERS = 4
STAGES = 1 + 3 + AMODAL_LAYERS


def visible(weight=0.5, **head):
    """Config changes that turn the branch on."""
    return dict(
        panoptic_head=dict(
            loss_visible_mask=dict(loss_weight=weight),
            loss_visible_dice=dict(loss_weight=weight),
            **head,
        )
    )


def losses_of(model):
    torch.manual_seed(0)
    return model.loss(images(), samples())


def test_off_by_default():
    model, on = oaformer(), oaformer(**visible())
    added = on.state_dict().keys() - model.state_dict().keys()
    assert model.state_dict().keys() <= on.state_dict().keys()
    assert {name.rsplit('.', 2)[0] for name in added} == {
        'panoptic_head.visible_mask_embed'
    }
    output = model.panoptic_head(model.extract_feat(images()))
    assert list(output.visible_mask_embeds) == []
    assert not any('visible' in key for key in losses_of(model))


def test_same_seed_same_everything_else():
    off, on = oaformer(), oaformer(**visible(weight=0.0))
    own = on.state_dict()
    for name, value in off.state_dict().items():
        assert torch.equal(own[name], value)
    expected, losses = losses_of(off), losses_of(on)
    for key, value in expected.items():
        torch.testing.assert_close(losses[key], value, rtol=1e-5, atol=1e-6)
    assert all(losses[key] == 0 for key in losses.keys() - expected.keys())
    sum(expected.values()).backward()
    sum(losses.values()).backward()
    parameters = dict(on.named_parameters())
    for name, parameter in off.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(
                parameters[name].grad, parameter.grad, rtol=1e-3, atol=1e-5
            )


@pytest.mark.parametrize(
    ('changes', 'stages'), [({}, STAGES), (without_odm(), 1 + AMODAL_LAYERS)]
)
def test_the_layers_of_the_amodal_decoder_have_them(changes, stages):
    model = oaformer(**visible(**changes.get('panoptic_head', {})))
    with torch.no_grad():
        output = model.panoptic_head(model.extract_feat(images()))
    # visible_mask_embed starts as a copy of mask_embed, so that its result is known
    assert len(output.mask_embeds) == stages
    assert len(output.visible_mask_embeds) == AMODAL_LAYERS
    for own, amodal in zip(
        output.visible_mask_embeds, output.mask_embeds[-AMODAL_LAYERS:], strict=True
    ):
        assert torch.equal(own, amodal)
    losses = losses_of(model)
    for name in ('loss_visible_mask', 'loss_visible_dice'):
        found = [key for key in losses if key.endswith(name)]
        expected = [f'd{index}.' for index in range(stages)][-AMODAL_LAYERS:-1] + ['']
        assert found == [prefix + name for prefix in expected]


def test_losses_left_out_are_as_the_amodal_ones():
    head = oaformer(
        panoptic_head=dict(
            loss_dice=dict(eps=3.0, loss_weight=0.25),
            loss_visible_mask=dict(),
            loss_visible_dice=dict(loss_weight=2.0),
        )
    ).panoptic_head
    assert head.loss_visible_mask.use_sigmoid
    assert head.loss_visible_mask.loss_weight == 0.5
    assert head.loss_visible_dice.eps == 3.0
    assert head.loss_visible_dice.loss_weight == 2.0
    assert head.loss_dice.loss_weight == 0.25


@pytest.mark.parametrize('name', ['loss_visible_mask', 'loss_visible_dice'])
def test_one_loss_alone_is_refused(name):
    with pytest.raises(ValueError, match='go together'):
        oaformer(panoptic_head={name: dict(loss_weight=0.5)})


def constant_output(logits):
    """Queries that draw left and right half; query q's visible logits are constant."""
    features = torch.zeros(1, 3, 64, 64)
    features[0, 0, :, :32], features[0, 0, :, 32:] = 20, -20
    features[0, 1] = -features[0, 0]
    features[0, 2] = 1
    visible_embed = torch.zeros(1, 2, 3)
    visible_embed[0, :, 2] = torch.tensor(logits)
    embed = torch.eye(3)[None, :2]
    return OAFormerOutput(
        [torch.zeros(1, 2, 4)], [embed], features, [], [visible_embed]
    )


@pytest.mark.parametrize('order', [[0, 1], [1, 0]])
def test_visible_masks_have_the_match_of_the_amodal_ones(order):
    """The left object is hidden, the right one seen; query 1 draws the right one."""
    head = oaformer(**visible()).panoptic_head
    masks, seen = torch.zeros(2, 2, 64, 64, dtype=torch.uint8)
    masks[0, :, :32], masks[1, :, 32:] = 1, 1
    seen[1] = 1
    labels = torch.zeros(2, dtype=torch.long)
    targets = AmodalTargets(labels, masks[order], None, [2], seen[order])
    right = head.loss_by_feat(constant_output([-20.0, 20.0]), targets)
    wrong = head.loss_by_feat(constant_output([20.0, -20.0]), targets)
    # at the image's edge a sampled target blends with the 0 outside
    assert right['loss_visible_mask'] < 0.5
    assert right['loss_visible_dice'] < 0.05
    assert wrong['loss_visible_mask'] > 9
    assert wrong['loss_visible_dice'] > 0.45


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision(dtype):
    model = oaformer(**visible())
    expected = losses_of(model)
    with torch.autocast('cpu', dtype=dtype):
        losses = losses_of(model)
    for key, value in expected.items():
        assert losses[key].dtype == torch.float32
        torch.testing.assert_close(losses[key], value, rtol=0.1, atol=0.02)
