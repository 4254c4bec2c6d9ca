import pytest
import torch
from mmdet.registry import MODELS
from tiny_models import (
    EMBED_DIMS,
    NUM_CLASSES,
    SIZE,
    images,
    oaformer,
    oaformer_config,
    samples,
)

STAGES = 1 + 3 + 4
VISIBLE = dict(loss_visible_mask=dict(), loss_visible_dice=dict())

GOLDEN = dict(
    cls=torch.tensor([-0.3762, 0.8074, -0.1341, 0.4011]),
    mask=torch.tensor([-0.6377, -0.6440, -0.3659, -0.5701]),
    rates=torch.tensor([0.5449, 0.5330, 0.5343, 0.5156, 0.4938]),
)
# points are drawn anew wherever the generator changes, hence the wider margin
GOLDEN_LOSSES = {
    'loss_cls': 0.2506,
    'loss_mask': 0.2935,
    'loss_dice': 0.4678,
    'd0.loss_occlusion': 0.2477,
    'd3.loss_occlusion': 0.2279,
    'loss_occlusion': 0.2163,
}


@pytest.fixture(scope='module')
def model():
    return oaformer().eval()


def head_output(model, batch_size=2):
    features = model.extract_feat(images(batch_size))
    return model.panoptic_head(features, samples())


def check_gradients(model, losses):
    """Distributed training needs one for every parameter."""
    total = sum(losses.values())
    assert torch.isfinite(total)
    total.backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert torch.isfinite(parameter.grad).all(), name


@torch.no_grad()
def test_shapes_of_every_stage(model):
    output = head_output(model)
    assert len(output.cls_scores) == len(output.mask_embeds) == STAGES
    assert {score.shape for score in output.cls_scores} == {(2, 7, NUM_CLASSES + 1)}
    assert {embed.shape for embed in output.mask_embeds} == {(2, 7, EMBED_DIMS)}
    assert output.mask_features.shape == (2, EMBED_DIMS, SIZE[0] // 4, SIZE[1] // 4)
    assert [logits.shape for logits in output.occlusion_logits] == [(2, 7)] * STAGES


@torch.no_grad()
def test_images_do_not_see_each_other(model):
    both = head_output(model)
    alone = model.panoptic_head(model.extract_feat(images()[1:]), samples((1,)))
    torch.testing.assert_close(
        both.cls_scores[-1][1:], alone.cls_scores[-1], rtol=1e-4, atol=1e-4
    )


@torch.no_grad()
def test_golden_values(model):
    """Seeded tiny model; change these only when the mathematics changes on purpose."""
    output = head_output(model)
    masks = torch.einsum(
        'qc,chw->qhw', output.mask_embeds[-1][0], output.mask_features[0]
    )
    torch.testing.assert_close(
        output.cls_scores[-1][0, 0], GOLDEN['cls'], rtol=1e-3, atol=1e-3
    )
    torch.testing.assert_close(masks[0, 5, 5:9], GOLDEN['mask'], rtol=1e-3, atol=1e-3)
    rates = [logits[0, 0].sigmoid() for logits in output.occlusion_logits]
    rates = torch.stack([*rates[:4], rates[-1]])
    torch.testing.assert_close(rates, GOLDEN['rates'], rtol=1e-3, atol=1e-3)
    torch.manual_seed(0)
    losses = model.loss(images(), samples())
    values = torch.stack([losses[key] for key in GOLDEN_LOSSES])
    torch.testing.assert_close(
        values, torch.tensor(list(GOLDEN_LOSSES.values())), rtol=2e-2, atol=1e-3
    )


def test_losses_of_every_stage(model):
    losses = model.loss(images(), samples())
    names = ('loss_cls', 'loss_mask', 'loss_dice', 'loss_occlusion')
    prefixes = [f'd{stage}.' for stage in range(STAGES - 1)] + ['']
    assert losses.keys() == {prefix + name for prefix in prefixes for name in names}
    assert all(loss.shape == () and loss > 0 for loss in losses.values())


def test_losses_do_not_depend_on_the_order_of_the_objects(model, monkeypatch):
    draw, generator = torch.rand, torch.Generator()

    def seeded(*size, **kwargs):
        # the same points for every mask, in any order
        generator.manual_seed(3)
        points = draw(*size, generator=generator)
        return points[:1].repeat(size[0], 1, 1) if len(size) == 3 else points

    monkeypatch.setattr(torch, 'rand', seeded)
    batch, moved = samples((4, 0)), samples((4, 0))
    order = torch.tensor([2, 0, 3, 1])
    moved[0].gt_instances = moved[0].gt_instances[order]
    first, second = model.loss(images(), batch), model.loss(images(), moved)
    for key, value in first.items():
        torch.testing.assert_close(second[key], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('counts', [(3, 2), (0, 2), (0, 0), (11, 9)])
@pytest.mark.parametrize('visible', [{}, VISIBLE], ids=['amodal', 'visible'])
def test_empty_images_and_more_objects_than_queries(counts, visible):
    model = oaformer(panoptic_head=visible)
    check_gradients(model, model.loss(images(), samples(counts)))
    if visible:
        moved = model.panoptic_head.visible_mask_embed[0].weight.grad.abs().sum() > 0
        assert moved == (sum(counts) > 0)


@pytest.mark.parametrize(
    'changes',
    [
        dict(loss_occlusion=None),
        dict(loss_mask=dict(loss_weight=0.0)),
        dict(loss_dice=dict(loss_weight=0.0), loss_occlusion=None),
        dict(odm=dict(attention_mask='soft')),
        dict(odm=dict(num_layers=2)),
        dict(num_queries=3),
        dict(amodal_occlusion_rates=False),
    ],
)
def test_ablations_train_every_parameter(changes):
    model = oaformer(panoptic_head=changes)
    losses = model.loss(images(), samples())
    rates = [key for key in losses if 'occlusion' in key]
    assert bool(rates) == ('loss_occlusion' not in changes)
    check_gradients(model, losses)


def test_plain_dicts_build_the_same_model(model):
    plain = MODELS.build(oaformer_config().to_dict())
    assert plain.state_dict().keys() == model.state_dict().keys()


@pytest.mark.parametrize('part', ['transformer_decoder', 'odm'])
def test_another_type_of_decoder_layer_is_refused(part):
    layer_cfg = dict(oaformer_config().panoptic_head.transformer_decoder.layer_cfg)
    layer_cfg['type'] = 'DetrTransformerDecoderLayer'
    with pytest.raises(ValueError, match="type='DetrTransformerDecoderLayer'"):
        oaformer(panoptic_head={part: dict(layer_cfg=layer_cfg)})


def test_rates_of_the_paper_end_with_the_odm():
    head = oaformer(panoptic_head=dict(amodal_occlusion_rates=False)).eval()
    output = head_output(head)
    assert len(output.occlusion_logits) == 4
    losses = head.loss(images(), samples())
    assert [key for key in losses if 'occlusion' in key] == [
        f'd{stage}.loss_occlusion' for stage in range(4)
    ]


@torch.no_grad()
def test_amodal_rates_come_from_the_odms_embedding_module(model):
    head = model.panoptic_head
    features = model.extract_feat(images())
    seen = []
    embedding = head.odm.occlusion_embedding
    handle = embedding.occlusion_rate.register_forward_hook(
        lambda module, inputs, output: seen.append(output.squeeze(-1))
    )
    output = head(features, samples())
    handle.remove()
    assert len(seen) == STAGES
    for mine, theirs in zip(output.occlusion_logits, seen, strict=True):
        assert torch.equal(mine, theirs)
