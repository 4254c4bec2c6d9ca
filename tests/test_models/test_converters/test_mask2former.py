from functools import cache

import pytest
import torch
from tiny_models import images, mask2former, oaformer, samples, without_odm

from oaformer.models.converters import ConversionError, convert_mask2former

ODM = 'panoptic_head.odm.'
LOSSES = dict(
    loss_visible_mask=dict(loss_weight=0.5), loss_visible_dice=dict(loss_weight=0.5)
)
VISIBLE = dict(panoptic_head=LOSSES)


@cache
def stock():
    decoder = dict(transformer_decoder=dict(num_layers=7))
    return mask2former(panoptic_head=decoder).eval()


def split(num_odm_layers, **losses):
    return dict(
        panoptic_head=dict(
            odm=dict(num_layers=num_odm_layers, attention_mask='binary'),
            transformer_decoder=dict(num_layers=7 - num_odm_layers),
            **losses,
        )
    )


@torch.no_grad()
@pytest.mark.parametrize(
    'changes', [without_odm(7), split(1), split(2), split(3, **LOSSES)]
)
def test_outputs_of_every_stage_are_those_of_mask2former(changes):
    source, model = stock(), oaformer(seed=1, **changes).eval()
    conversion = convert_mask2former(source.state_dict(), model.state_dict())
    missing, unexpected = model.load_state_dict(conversion.weights, strict=False)
    assert unexpected == [] and missing == conversion.fresh

    features = source.extract_feat(images())
    classes, masks = source.panoptic_head(features, samples())
    output = model.panoptic_head(model.extract_feat(images()), samples())
    own = [
        torch.einsum('bqc,bchw->bqhw', embed, output.mask_features)
        for embed in output.mask_embeds
    ]
    assert len(own) == len(masks) == 8
    # COCO's masks are visible ones
    visible = output.visible_mask_embeds
    assert all(map(torch.equal, visible, output.mask_embeds[-len(visible) :]))
    assert bool(visible) == (model.panoptic_head.visible_mask_embed is not None)
    found = [*output.cls_scores, *own]
    for expected, ours in zip([*classes, *masks], found, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)


def test_only_the_occlusion_rates_start_afresh():
    source, model = stock().state_dict(), oaformer(seed=1, **VISIBLE).state_dict()
    conversion = convert_mask2former(source, model)
    assert conversion.fresh == [
        f'{ODM}occlusion_embedding.occlusion_rate.{layer}.{kind}'
        for layer in (0, 2)
        for kind in ('weight', 'bias')
    ]
    assert all(name.endswith('num_batches_tracked') for name in conversion.left_out)
    assert conversion.weights.keys() | set(conversion.fresh) == model.keys()
    assert set(conversion.sources.values()) | set(conversion.left_out) == source.keys()
    for name, origin in conversion.sources.items():
        assert torch.equal(conversion.weights[name], source[origin])


def test_counters_of_batch_norms_are_optional():
    trained_norms = dict(backbone=dict(norm_cfg=dict(type='BN', requires_grad=True)))
    model = oaformer(**trained_norms).state_dict()
    source = stock().state_dict()
    assert convert_mask2former(source, model).left_out == []
    counters = [name for name in source if name.endswith('num_batches_tracked')]
    assert counters
    for name in counters:
        del source[name]
    assert set(counters) < set(convert_mask2former(source, model).fresh)


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        (
            dict(panoptic_head=dict(transformer_decoder=dict(num_layers=2))),
            r'the weights have 7 decoder layers, the config has 3 .* \+ 2 ',
        ),
        (
            dict(panoptic_head=dict(num_queries=9)),
            r'2 have another shape: .*query_feat.weight is \(7, 32\) and not \(9, 32\)'
            '.*here with model.panoptic_head.num_queries=7',
        ),
        (
            dict(backbone=dict(depth=50, base_channels=2)),
            r'it also needs \d+: backbone\..*backbone and sizes of the config must be',
        ),
    ],
)
def test_weights_of_another_model_are_refused(changes, words):
    with pytest.raises(ConversionError, match=words):
        convert_mask2former(stock().state_dict(), oaformer(**changes).state_dict())


def test_nothing_is_dropped_or_left_fresh_unnamed():
    source = stock().state_dict()
    source['panoptic_head.extra.weight'] = torch.zeros(1)
    del source['panoptic_head.level_embed.weight']
    words = 'no place in it: panoptic_head.extra.*needs 1: panoptic_head.level_embed'
    with pytest.raises(ConversionError, match=words):
        convert_mask2former(source, oaformer().state_dict())
