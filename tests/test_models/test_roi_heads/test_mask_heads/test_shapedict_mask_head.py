import pytest
import torch
import torch.nn.functional as F
from roi_cases import CHANNELS, TRAIN_CFG, TRUNK, random_batch
from torch import nn

from oaformer.models.roi_heads import FCNAmodalMaskHead
from oaformer.models.roi_heads.mask_heads import ShapeDictMaskHead
from oaformer.models.roi_heads.mask_heads.shapedict_mask_head import (
    attention,
    pooled,
)

ALL_OFF = dict(cross_task=False, matching_weights=None)
RECLASSIFICATION = dict(loss_weight=0.1, channels=8)


def build(seed=0, **kwargs):
    torch.manual_seed(seed)
    head = ShapeDictMaskHead(3, **{**TRUNK, **kwargs})
    head.init_weights()
    if head.shape_priors is not None:
        head.shape_priors.codes.uniform_()
        head.shape_priors.counts[:] = torch.tensor([6, 4, 1])
    return head


def full(**kwargs):
    return build(
        shape_priors=dict(num_codes=6),
        num_priors=5,
        reclassification=RECLASSIFICATION,
        **kwargs,
    )


def case(number=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(number, CHANNELS, 14, 14, generator=generator)
    labels = torch.randint(3, (number,), generator=generator)
    amodal = torch.rand(number, 28, 28, generator=generator) > 0.4
    visible = amodal & (torch.rand(number, 28, 28, generator=generator) > 0.3)
    return x, labels, dict(amodal=amodal, visible=visible)


def test_published_order_of_the_passes():
    head, (x, labels, _) = full(), case()

    def run(name, features):
        return head.trunks[name](features)[torch.arange(4), labels]

    a0 = run('amodal', x)
    v1 = run('visible', x * F.avg_pool2d(a0[:, None], 2).sigmoid())
    shapes = head.shape_priors.nearest_shapes(a0 > 0, labels, 5)
    seen = x * F.avg_pool2d(v1[:, None], 2).sigmoid()
    a1 = run('amodal', head.fuse(torch.cat([seen, F.avg_pool2d(shapes, 2)], dim=1)))
    torch.testing.assert_close(head(x, labels), torch.stack([a1, v1], dim=1))
    passes = head.passes(x, labels)
    torch.testing.assert_close(passes.coarse['amodal'].logits, a0)
    torch.testing.assert_close(passes.coarse['visible'].logits, run('visible', x))
    assert passes.priors.shape == (4, 5, 14, 14)


def test_all_off_it_is_two_heads():
    truth, results = random_batch()
    x = torch.randn(12, CHANNELS, 14, 14)

    class TwoHeads(FCNAmodalMaskHead):
        branches = ('amodal', 'visible')

    other = TwoHeads(3, **TRUNK)
    head = build(**ALL_OFF)
    other.load_state_dict(head.state_dict())
    ours = head.loss_and_target(x, results, truth, TRAIN_CFG)['loss_mask']
    theirs = other.loss_and_target(other(x), results, truth, TRAIN_CFG)['loss_mask']
    assert ours.keys() == theirs.keys()
    for name, loss in ours.items():
        torch.testing.assert_close(loss, theirs[name])


def test_with_nothing_to_add_the_refined_mask_is_the_coarse_one():
    head, (x, labels, _) = build(shape_priors={}, num_priors=2, **ALL_OFF), case()
    nn.init.zeros_(head.fuse.weight)
    nn.init.zeros_(head.fuse.bias)
    for channel in range(CHANNELS):
        head.fuse.weight.data[channel, channel, 1, 1] = 1
    passes = head.passes(x, labels)
    for name in head.branches:
        torch.testing.assert_close(
            passes.refined[name].logits, passes.coarse[name].logits
        )


def test_losses_by_hand():
    """Each loss against its definition, of outputs that are planted."""
    head = full(loss_weights=dict(visible=0.5))
    x, labels, targets = case()
    passes = head.passes(x, labels)
    losses = head.pass_losses(x, labels, targets)

    def bce(logits, name):
        return F.binary_cross_entropy_with_logits(
            logits, targets[name].float(), reduction='none'
        ).mean(dim=(1, 2))

    def iou(logits, name):
        mask = logits > 0
        union = (mask | targets[name]).sum(dim=(1, 2))
        return (mask & targets[name]).sum(dim=(1, 2)) / union

    coarse, refined = passes.coarse, passes.refined
    expected = dict(
        loss_coarse_amodal=bce(coarse['amodal'].logits, 'amodal').mean(),
        loss_coarse_visible=0.5 * bce(coarse['visible'].logits, 'visible').mean(),
        # weighted by how right the other branch was
        loss_mask=(
            bce(refined['amodal'].logits, 'amodal')
            * iou(coarse['visible'].logits, 'visible')
        ).mean(),
        loss_mask_visible=0.5
        * (
            bce(refined['visible'].logits, 'visible')
            * iou(coarse['amodal'].logits, 'amodal')
        ).mean(),
    )
    seen = torch.cat([x * pooled(targets['visible']), passes.priors], dim=1)
    guided = dict(
        amodal=head.run_branch('amodal', head.fuse(seen), labels),
        visible=head.run_branch('visible', x * pooled(targets['amodal']), labels),
    )
    expected['loss_guided_amodal'] = bce(guided['amodal'].logits, 'amodal').mean()
    expected['loss_guided_visible'] = (
        0.5 * bce(guided['visible'].logits, 'visible').mean()
    )
    expected['loss_matching'] = sum(
        weight
        * (
            1
            - F.cosine_similarity(
                refined[name].features[place].flatten(1),
                guided[name].features[place].flatten(1),
            )
        ).mean()
        for name in head.branches
        for place, weight in enumerate((0.01, 0.05))
    )
    seen = x * attention(refined['visible'].logits)
    predicted = F.cross_entropy(head.reclassifier(seen), labels, reduction='none')
    annotated = F.cross_entropy(
        head.reclassifier(x * pooled(targets['visible'])), labels, reduction='none'
    )
    weighted = predicted * iou(refined['visible'].logits, 'visible') + 0.1 * annotated
    expected['loss_reclassification'] = 0.1 * weighted.sum() / (2 * len(x))
    assert losses.keys() == expected.keys()
    for name, loss in expected.items():
        torch.testing.assert_close(losses[name], loss, msg=name)


def test_the_guided_visible_mask_learns_the_visible_one():
    """The released code gives it the amodal one."""
    head, (x, labels, _) = build(), case()
    head.trunks['visible'] = Constant(-5.0)
    full_masks = torch.ones(4, 28, 28, dtype=torch.bool)
    targets = dict(amodal=full_masks, visible=~full_masks)
    losses = head.pass_losses(x, labels, targets)
    # log(1 + exp(-5)); 5.0067 for the other target
    assert losses['loss_guided_visible'].item() == pytest.approx(0.0067, abs=1e-4)


class Constant(nn.Module):
    """Layers of a mask head whose logits are one number."""

    def __init__(self, value):
        super().__init__()
        self.convs = nn.ModuleList()
        self.upsample = nn.Upsample(scale_factor=2)
        self.conv_logits = nn.Conv2d(CHANNELS, 3, 1)
        nn.init.zeros_(self.conv_logits.weight)
        nn.init.constant_(self.conv_logits.bias, value)


def test_other_classes_have_no_influence():
    """The released code weighs by the IoU of all classes' masks."""
    head, (x, labels, targets) = full(), case()
    labels[:] = 1
    before = head.pass_losses(x, labels, targets)
    for trunk in head.trunks.values():
        trunk.conv_logits.weight.data[[0, 2]] += 1
        trunk.conv_logits.bias.data[[0, 2]] += 5
    after = head.pass_losses(x, labels, targets)
    for name, loss in before.items():
        assert torch.equal(loss, after[name])


def test_images_do_not_mix():
    """In the released code all images have the labels of the first."""
    head, (x, labels, _) = full(), case(6)
    labels = torch.tensor([0, 1, 2, 2, 1, 0])
    together = head(x, labels)
    parts = [head(x[:3], labels[:3]), head(x[3:], labels[3:])]
    torch.testing.assert_close(together, torch.cat(parts), rtol=1e-4, atol=1e-5)


def test_shapes_are_looked_up_and_not_learned():
    head, (x, labels, targets) = full(), case()
    sum(head.pass_losses(x, labels, targets).values()).backward()
    for name, weight in head.named_parameters():
        if name.startswith('shape_priors'):
            assert weight.grad is None
        else:
            assert weight.grad is not None, name


def test_the_refinement_is_learned_through_the_attention():
    """Without it, the coarse masks get nothing from the refined ones."""
    for cross_task in (True, False):
        head = build(
            cross_task=cross_task,
            shape_priors={},
            num_priors=2,
            matching_weights=None,
        )
        x, labels, _ = case()
        passes = head.passes(x, labels)
        coarse = passes.coarse['visible' if cross_task else 'amodal'].logits
        refined = passes.refined['amodal'].logits.sum()
        (through,) = torch.autograd.grad(
            refined, passes.coarse['amodal'].logits, allow_unused=True
        )
        assert (through is not None) == cross_task
        assert coarse.requires_grad


def test_without_rois():
    head, (x, labels, targets) = full(), case()
    targets = {name: mask[:0] for name, mask in targets.items()}
    losses = head.pass_losses(x[:0], labels[:0], targets)
    total = sum(losses.values())
    total.backward()
    assert total.item() == 0
    assert all(
        weight.grad is not None for weight in head.parameters() if weight.requires_grad
    )


def test_distance_to_the_nearest_shape():
    head = build(shape_priors={})
    head.shape_priors.nearest_shapes = lambda masks, labels, number: (
        masks[:, None].float() * 0.9
    )
    logits = torch.randn(2, 28, 28)
    assert head.shape_distances(logits, torch.zeros(2)).tolist() == [0, 0]
    head.shape_priors.nearest_shapes = lambda masks, labels, number: torch.full(
        (2, 1, 28, 28), 0.9
    )
    logits = torch.ones(2, 28, 28)
    logits[0, :7] = -1
    assert head.shape_distances(logits, torch.zeros(2)).tolist() == [0.25, 0]


def test_matching_needs_the_cross_task():
    with pytest.raises(ValueError, match='set matching_weights=None'):
        build(cross_task=False)
