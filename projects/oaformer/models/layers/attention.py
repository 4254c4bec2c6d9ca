"""MMCV's attention through PyTorch's fused operator."""

import torch.nn.functional as F
from mmcv.cnn.bricks.transformer import MultiheadAttention
from torch import Tensor


def attend(
    attention: MultiheadAttention,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    """Run MMCV's ``MultiheadAttention``, without its residual connection.

    The same result; no attention weights are kept, and one mask serves all heads.

    Args:
        attention: The module, with ``batch_first``.
        query: With its position, (B, Q, C).
        key: With its position, (B, K, C).
        value: (B, K, C).
        mask: True where attention is allowed, or values to be added to the logits, as
            in ``scaled_dot_product_attention``.

    Returns:
        (B, Q, C).
    """
    weights = attention.attn
    projections = zip(
        (query, key, value),
        weights.in_proj_weight.chunk(3),
        weights.in_proj_bias.chunk(3),
        strict=True,
    )
    # (B, N, C) -> (B, heads, N, C / heads)
    q, k, v = (
        F.linear(x, weight, bias).unflatten(-1, (weights.num_heads, -1)).transpose(1, 2)
        for x, weight, bias in projections
    )
    if mask is not None and mask.is_floating_point():
        mask = mask.to(q.dtype)
    dropout = weights.dropout if weights.training else 0.0
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)
    # (B, heads, Q, C / heads) -> (B, Q, C)
    out = weights.out_proj(out.transpose(1, 2).flatten(2))
    return attention.dropout_layer(attention.proj_drop(out))
