"""Mask2Former's masked-attention decoder on MMDetection's own layers.

The layers, their weights and their names are MMDetection's; only the way they
are run differs, without changing the result (``docs/design.md``):

* attention masks are made at the size of the level that is attended, from
  ``mask_features`` resized once. Bilinear resizing acts on each channel by
  itself, so it commutes with the product of mask embedding and features;
* keys are added up, and laid out for matrix products, once per level instead of
  once per layer;
* attention runs through ``scaled_dot_product_attention``, which broadcasts one
  mask over all heads and returns no attention weights.

The ``forward`` of the layers is not called, hence :func:`check_layer_cfg`.
"""

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmcv.cnn.bricks.transformer import MultiheadAttention
from mmdet.models.layers import Mask2FormerTransformerDecoder
from mmdet.models.layers.transformer.mask2former_layers import (
    Mask2FormerTransformerDecoderLayer,
)
from mmengine.config import ConfigDict
from torch import Tensor, nn

from .attention import attend


class DecoderMemory(NamedTuple):
    """What the queries attend to, one entry per feature level, coarse to fine.

    Attributes:
        values: Features, each of shape (B, H_l * W_l, C).
        positions: Positional encodings, each of shape (1, H_l * W_l, C).
        mask_features: ``mask_features`` at the level's size, each of shape
            (B, C, H_l * W_l).
        sizes: H_l and W_l.
    """

    values: list[Tensor]
    positions: list[Tensor]
    mask_features: list[Tensor]
    sizes: Sequence[tuple[int, int]] = ()


class DecoderStage(NamedTuple):
    """The queries after one decoder layer (or before the first).

    Attributes:
        query: Query features as they go into the next layer, (B, Q, C).
        normed_query: The same after the decoder's norm, for the predictors.
        mask_embed: Mask embeddings, (B, Q, C). Their product with
            ``mask_features`` is the mask.
    """

    query: Tensor
    normed_query: Tensor
    mask_embed: Tensor


def binary_attention_mask(mask_embed: Tensor, mask_features: Tensor) -> Tensor:
    """Mask2Former's attention mask: attend where the mask is more likely than not.

    A query whose mask is empty attends everywhere (Mask2Former, section 3.2.1
    and its code). No gradient flows through it.

    Args:
        mask_embed: Mask embeddings, (B, Q, C).
        mask_features: ``mask_features`` of one level, (B, C, H_l * W_l).

    Returns:
        Bool, True where attention is allowed, (B, 1, Q, H_l * W_l).
    """
    attend = torch.bmm(mask_embed.detach(), mask_features.detach()) >= 0
    # not in place, for which ONNX has no operator
    attend = attend | ~attend.any(dim=-1, keepdim=True)
    return attend.unsqueeze(1)


def soft_attention_mask(mask_embed: Tensor, mask_features: Tensor) -> Tensor:
    """Additive attention mask: the log-probability of each pixel.

    No pixel is excluded, and gradients flow back into the embedding.

    Args:
        mask_embed: Mask embeddings, (B, Q, C).
        mask_features: ``mask_features`` of one level, (B, C, H_l * W_l).

    Returns:
        Values <= 0 to be added to the attention logits, (B, 1, Q, H_l * W_l).
    """
    return F.logsigmoid(torch.bmm(mask_embed, mask_features)).unsqueeze(1)


# A soft mask excludes no pixel: the log-probability of those outside a prompt.
_LOG_OUTSIDE = math.log(0.01)

ATTENTION_MASKS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    'binary': binary_attention_mask,
    'soft': soft_attention_mask,
}


def check_layer_cfg(layer_cfg: ConfigDict) -> None:
    """Refuse decoder layers that :func:`masked_attention_stages` cannot run.

    Args:
        layer_cfg: Config of the layers of a decoder.

    Raises:
        ValueError: If it names another type of layer or attention, or an option
            that changes how they work.
    """
    parts = [('layer_cfg', layer_cfg, Mask2FormerTransformerDecoderLayer)]
    for name in ('self_attn_cfg', 'cross_attn_cfg'):
        parts.append((f'layer_cfg.{name}', layer_cfg.get(name, {}), MultiheadAttention))
    for name, options, module in parts:
        # 'dropout' is an older name; other options are passed on to PyTorch
        known = {*inspect.signature(module).parameters, 'dropout'} - {'kwargs'}
        for key in options.keys() - known:
            raise ValueError(
                f'{name}: {key}={options[key]!r} is not supported. The decoder runs '
                f'{module.__name__} with the options {sorted(known)}.'
            )


def resize_mask_features(features: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear resizing to a level's size, for the attention masks.

    Where the size is divided by an even number, a new pixel is the mean of the four
    pixels in the middle of a block. Slices read these faster.

    Args:
        features: ``mask_features``, (B, C, H/4, W/4).
        size: (H_l, W_l) of the level.

    Returns:
        The result of ``F.interpolate``, (B, C, H_l, W_l).
    """
    height, width = size
    factor = features.shape[-2] // height
    if factor % 2 or features.shape[-2:] != (height * factor, width * factor):
        return F.interpolate(features, size, mode='bilinear', align_corners=False)
    first = factor // 2 - 1
    # (B, C, H_l, 2, W)
    rows = features.unflatten(-2, (height, factor))[..., first : first + 2, :]
    # columns before rows as F.interpolate does: the last bit decides on logits near 0
    rows = rows[..., first::factor] + rows[..., first + 1 :: factor]
    return (rows[..., 0, :] + rows[..., 1, :]) / 4


def masked_attention_stages(
    decoder: Mask2FormerTransformerDecoder,
    stage: DecoderStage,
    query_embed: Tensor,
    memory: DecoderMemory,
    embed_masks: Callable[[Tensor], Tensor],
    first_level: int = 0,
    attention_mask: Callable[[Tensor, Tensor], Tensor] = binary_attention_mask,
    self_mask: Tensor | None = None,
    prompt_masks: Sequence[Tensor] = (),
) -> Iterator[DecoderStage]:
    """Run a decoder layer by layer, each layer on the next feature level.

    Args:
        decoder: MMDetection's decoder, whose layers and norm are used.
        stage: The queries before the first layer. Its mask embeddings make
            the first attention mask.
        query_embed: Positional embedding of the queries, (1 or B, Q, C).
        memory: The features to attend to.
        embed_masks: Normed queries (B, Q, C) -> mask embeddings (B, Q, C).
        first_level: Level of the first layer.
        attention_mask: Mask embeddings before a layer and the level's features -> the
            layer's attention mask.
        self_mask: Which queries look at which in the self-attention, bool,
            (B, 1, Q, Q); None: all at all.
        prompt_masks: For each of the first layers the attention masks of the last P
            queries, bool, (B, P, H_l * W_l), in the place of their own.

    Yields:
        The queries after each layer.
    """
    # with channels first in memory every projection would copy the features, and
    # keep the copy for the backward pass
    values = [value.contiguous() for value in memory.values]
    keys = [
        value + position
        for value, position in zip(values, memory.positions, strict=True)
    ]
    for index, layer in enumerate(decoder.layers):
        level = (first_level + index) % len(values)
        mask_embed, prompts = stage.mask_embed, None
        if index < len(prompt_masks):
            prompts = prompt_masks[index].unsqueeze(1)
            mask_embed = mask_embed[:, : mask_embed.shape[1] - prompts.shape[2]]
        mask = attention_mask(mask_embed, memory.mask_features[level])
        if prompts is not None:
            mask = torch.cat([mask, _like(prompts, mask)], dim=2)
        query = _decoder_layer(
            layer, stage.query, query_embed, keys[level], values[level], mask, self_mask
        )
        normed_query = decoder.post_norm(query)
        stage = DecoderStage(query, normed_query, embed_masks(normed_query))
        yield stage


def _like(mask: Tensor, other: Tensor) -> Tensor:
    """A bool attention mask, additive where the other one is."""
    if not other.is_floating_point():
        return mask
    outside = other.new_tensor(_LOG_OUTSIDE)
    return torch.where(mask, torch.zeros_like(outside), outside)


def _decoder_layer(
    layer: nn.Module,
    query: Tensor,
    query_embed: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor,
    self_mask: Tensor | None,
) -> Tensor:
    attended = attend(layer.cross_attn, query + query_embed, key, value, mask)
    query = layer.norms[0](query + attended)
    positioned = query + query_embed
    attended = attend(layer.self_attn, positioned, positioned, query, self_mask)
    query = layer.norms[1](query + attended)
    return layer.norms[2](layer.ffn(query))
