from functools import cache

import pytest
import torch
from mmdet.models import SwinTransformer
from original_mask2former import OriginalMask2Former
from tiny_models import NUM_CLASSES, images, oaformer, without_odm

from oaformer.models.converters import (
    ConversionError,
    convert_mask2former,
    convert_original_release,
    with_mmdetection_names,
)

BINARY = dict(panoptic_head=dict(odm=dict(attention_mask='binary')))
RATES = 'panoptic_head.odm.occlusion_embedding.occlusion_rate.'


@cache
def original(**changes):
    torch.manual_seed(0)
    return OriginalMask2Former(NUM_CLASSES, **changes).eval()


@torch.no_grad()
@pytest.mark.parametrize(
    'changes, source_changes',
    [
        (BINARY, {}),
        (without_odm(7), {}),
        (
            dict(backbone=dict(depth=50, base_channels=2), **BINARY),
            dict(bottleneck=True, stem=2, depths=(3, 4, 6, 3)),
        ),
    ],
    ids=['odm', 'without-odm', 'bottleneck'],
)
def test_outputs_are_those_of_the_original(changes, source_changes):
    source = original(**source_changes)
    model = oaformer(seed=1, **changes).eval()
    renamed = with_mmdetection_names(source.state_dict())
    conversion = convert_mask2former(renamed.weights, model.state_dict())
    missing, unexpected = model.load_state_dict(conversion.weights, strict=False)
    assert unexpected == [] and missing == conversion.fresh
    assert all(name.startswith(RATES) for name in missing)
    assert renamed.left_out == ['criterion.empty_weight']

    expected = source(images())
    output = model.panoptic_head(model.extract_feat(images()))
    assert len(expected) == len(output.cls_scores) == 8
    for (classes, masks), scores, embed in zip(
        expected, output.cls_scores, output.mask_embeds, strict=True
    ):
        own = torch.einsum('bqc,bchw->bqhw', embed, output.mask_features)
        torch.testing.assert_close(scores, classes, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(own, masks, rtol=1e-4, atol=1e-4)


def test_older_names():
    weights = original().state_dict()
    expected = with_mmdetection_names(weights).weights
    older = {
        name.replace('query_feat', 'static_query').replace('.pixel_decoder', ''): tensor
        for name, tensor in weights.items()
    }
    assert older.keys() != weights.keys()
    converted = with_mmdetection_names(older).weights
    assert converted.keys() == expected.keys()
    assert all(converted[name] is tensor for name, tensor in expected.items())


@pytest.mark.parametrize(
    'name',
    [
        'sem_seg_head.pixel_decoder.adapter_2.weight',
        'sem_seg_head.predictor.transformer_ffn_layers.0.linear3.bias',
        'backbone.stem.conv2.weight',
        'backbone.res6.0.conv1.weight',
        'teacher.weight',
    ],
)
def test_unknown_names_are_named(name):
    weights = {**original().state_dict(), name: torch.zeros(1)}
    with pytest.raises(ConversionError, match=f'1 names are unknown .*: {name}$'):
        with_mmdetection_names(weights)


def test_two_tensors_for_one_place():
    weights = original().state_dict()
    name = 'sem_seg_head.predictor.static_query.weight'
    weights[name] = weights['sem_seg_head.predictor.query_feat.weight']
    with pytest.raises(ConversionError, match='are both panoptic_head.query_feat'):
        with_mmdetection_names(weights)


def test_other_names():
    weights = {'panoptic_head.query_feat.weight': torch.zeros(1), 'backbone.x': 1}
    assert with_mmdetection_names(weights).weights == weights
    with pytest.raises(ConversionError, match='Names are conv.weight'):
        with_mmdetection_names({'conv.weight': torch.zeros(1)})
    with pytest.raises(ConversionError, match="OAFormer's weights already"):
        with_mmdetection_names(oaformer().state_dict())


@cache
def swin():
    torch.manual_seed(0)
    return SwinTransformer(
        embed_dims=8, depths=(1, 2, 1, 1), num_heads=(1, 2, 2, 2), window_size=4
    )


def original_swin_name(name):
    replacements = {
        'stages.': 'layers.',
        'attn.w_msa.': 'attn.',
        'ffn.layers.0.0.': 'mlp.fc1.',
        'ffn.layers.1.': 'mlp.fc2.',
        'projection.': 'proj.',
    }
    for new, old in replacements.items():
        name = name.replace(new, old)
    return f'backbone.{name}'


def test_swin():
    state = swin().state_dict()
    weights = {original_swin_name(name): tensor for name, tensor in state.items()}
    converted = convert_original_release(weights).weights
    assert converted.keys() == {f'backbone.{name}' for name in state}
    for name, tensor in state.items():
        if 'downsample' not in name:
            assert torch.equal(converted[f'backbone.{name}'], tensor)


@torch.no_grad()
def test_swins_patch_merging_computes_what_the_originals_does():
    torch.manual_seed(0)
    norm = torch.nn.LayerNorm(32)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    reduction = torch.nn.Linear(32, 16, bias=False)
    x = torch.randn(2, 4, 6, 8)  # B, H, W, C
    patches = torch.cat([x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)], dim=-1)
    expected = reduction(norm(patches)).flatten(1, 2)

    layer = 'backbone.layers.0.downsample.'
    weights = {layer + f'norm.{k}': v for k, v in norm.state_dict().items()}
    weights[layer + 'reduction.weight'] = reduction.weight
    merging = swin().stages[0].downsample
    prefix = 'backbone.stages.0.downsample.'
    merging.load_state_dict(
        {
            name.removeprefix(prefix): tensor
            for name, tensor in convert_original_release(weights).weights.items()
        }
    )
    merged, size = merging(x.flatten(1, 2), (4, 6))
    assert size == (2, 3)
    torch.testing.assert_close(merged, expected)
