import copy

import pytest
import torch
import torch.nn.functional as F
from mmdet.models.layers import Mask2FormerTransformerDecoder
from tiny_models import DECODER_LAYER, EMBED_DIMS

from oaformer.models.layers import (
    DecoderMemory,
    DecoderStage,
    binary_attention_mask,
    check_layer_cfg,
    masked_attention_stages,
    resize_mask_features,
    soft_attention_mask,
)


def test_binary_mask_by_hand():
    embed = torch.tensor([[[1.0], [-1.0], [0.0]]])
    features = torch.tensor([[[2.0, -3.0, 0.5, -0.1]]])
    attend = binary_attention_mask(embed, features)
    assert attend.shape == (1, 1, 3, 4)
    assert attend[0, 0].tolist() == [
        [True, False, True, False],
        [False, True, False, True],
        [True, True, True, True],
    ]
    # an empty mask attends everywhere
    assert binary_attention_mask(torch.tensor([[[-1.0]]]), torch.ones(1, 1, 5)).all()


def test_soft_mask_is_the_log_probability_and_learns():
    embed = torch.tensor([[[1.0]]], requires_grad=True)
    mask = soft_attention_mask(embed, torch.tensor([[[0.0, 50.0, -50.0]]]))
    torch.testing.assert_close(
        mask.exp(), torch.tensor([[[[0.5, 1.0, 0.0]]]]), rtol=0, atol=1e-6
    )
    mask.sum().backward()
    assert embed.grad.abs() > 0


# halves, quarters and eighths of (40, 64) are made from slices, the rest is not
SLICED = [(20, 32), (10, 16), (5, 8)]
INTERPOLATED = [(40, 64), (80, 128), (13, 21), (10, 8), (8, 16)]


@pytest.mark.parametrize('size', SLICED + INTERPOLATED)
def test_resizing_equals_interpolation_with_gradient(size):
    torch.manual_seed(0)
    features = torch.randn(2, 3, 40, 64, requires_grad=True)
    level = resize_mask_features(features, size)
    expected = F.interpolate(features, size, mode='bilinear', align_corners=False)
    torch.testing.assert_close(level, expected)
    weight = torch.randn_like(level)
    grad, expected_grad = (
        torch.autograd.grad(result, features, weight) for result in (level, expected)
    )
    torch.testing.assert_close(grad, expected_grad)
    # resizing the features or the masks that are made of them is the same
    embed = torch.randn(2, 5, 3)
    masks = torch.einsum('bqc,bchw->bqhw', embed, features)
    masks = F.interpolate(masks, size, mode='bilinear', align_corners=False)
    torch.testing.assert_close(torch.einsum('bqc,bchw->bqhw', embed, level), masks)


def decoder_of(num_layers):
    torch.manual_seed(0)
    decoder = Mask2FormerTransformerDecoder(
        num_layers=num_layers, layer_cfg=DECODER_LAYER
    )
    return decoder.eval()


@pytest.mark.parametrize('channels_first', [False, True])
@pytest.mark.parametrize('batch_size', [1, 3])
def test_layers_equal_mmdets(batch_size, channels_first):
    decoder = decoder_of(2)
    query = torch.randn(batch_size, 7, EMBED_DIMS)
    query_embed = torch.randn(batch_size, 7, EMBED_DIMS)
    embed = torch.randn(batch_size, 7, EMBED_DIMS)
    value = torch.randn(batch_size, 24, EMBED_DIMS)
    if channels_first:
        value = value.mT.contiguous().mT
    position = torch.randn(1, 24, EMBED_DIMS)
    features = torch.randn(batch_size, EMBED_DIMS, 24)
    stages = masked_attention_stages(
        decoder,
        DecoderStage(query, query, embed),
        query_embed,
        DecoderMemory([value], [position], [features]),
        embed_masks=lambda normed: embed,
    )
    blocked = ~binary_attention_mask(embed, features)
    # MMDetection wants the mask once per head: (B * heads, Q, HW)
    blocked = blocked.expand(-1, 4, -1, -1).flatten(0, 1)
    for layer, stage in zip(decoder.layers, stages, strict=True):
        query = layer(
            query=query,
            key=value,
            value=value,
            query_pos=query_embed,
            key_pos=position.expand(batch_size, -1, -1),
            cross_attn_mask=blocked,
        )
        torch.testing.assert_close(stage.query, query, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(stage.normed_query, decoder.post_norm(stage.query))


@pytest.mark.parametrize(
    ('part', 'options'),
    [
        ('layer_cfg', dict(type='DetrTransformerDecoderLayer')),
        ('layer_cfg.self_attn_cfg', dict(type='ConditionalAttention')),
        ('layer_cfg.cross_attn_cfg', dict(add_zero_attn=True)),
        ('layer_cfg.cross_attn_cfg', dict(bias=False)),
    ],
)
def test_layers_that_would_run_otherwise_are_refused(part, options):
    check_layer_cfg(DECODER_LAYER)
    layer_cfg = copy.deepcopy(DECODER_LAYER)
    _, _, attention = part.partition('.')
    (layer_cfg[attention] if attention else layer_cfg).update(options)
    ((key, value),) = options.items()
    with pytest.raises(ValueError, match=f'^{part}: {key}={value!r} is not supported'):
        check_layer_cfg(layer_cfg)


def test_levels_go_round_from_the_first():
    seen = []

    def note(mask_embed, mask_features):
        seen.append(mask_features.shape[-1])
        return binary_attention_mask(mask_embed, mask_features)

    query = torch.zeros(1, 2, EMBED_DIMS)
    sizes = (4, 9, 16)
    memory = DecoderMemory(
        [torch.zeros(1, size, EMBED_DIMS) for size in sizes],
        [torch.zeros(1, size, EMBED_DIMS) for size in sizes],
        [torch.zeros(1, EMBED_DIMS, size) for size in sizes],
    )
    stages = masked_attention_stages(
        decoder_of(4),
        DecoderStage(query, query, query),
        query,
        memory,
        embed_masks=lambda normed: normed,
        first_level=2,
        attention_mask=note,
    )
    assert len(list(stages)) == 4
    assert seen == [16, 4, 9, 16]
