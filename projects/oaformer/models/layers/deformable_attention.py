"""Multi-scale deformable attention: MMCV's kernel on a GPU, weighted bags on a CPU.

Every output is a weighted sum of feature vectors: of each sampled point's four
neighbours, by bilinear weight times attention weight. That is what
``torch.nn.functional.embedding_bag`` computes without storing the sampled vectors.
MMCV without CUDA stores them all, ``num_levels * num_points`` times the features, by
``grid_sample``; only the ONNX export uses that, which has an operator for it.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from mmcv.ops.multi_scale_deform_attn import (
    MultiScaleDeformableAttnFunction,
    multi_scale_deformable_attn_pytorch,
)
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

# A level's border of zeros, before and behind: samples outside the level need no test.
_BEFORE, _BEHIND = 1, 2


def deformable_attention(
    value: Tensor,
    spatial_shapes: Tensor,
    level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    im2col_step: int = 64,
) -> Tensor:
    """Sample all levels and sum, by the fastest implementation for the device.

    Deformable DETR (Zhu et al., ICLR 2021), equation 3, without its two projections.

    Args:
        value: Projected features of all levels, (B, N, M, C) for M heads. Computed
            in float32 where it has half that precision.
        spatial_shapes: Height and width of each level, (L, 2).
        level_start_index: Where each level begins in N, (L,).
        sampling_locations: x and y of each point, 0 to 1 from border to border,
            (B, Q, M, L, P, 2).
        attention_weights: Weight of each point, (B, Q, M, L, P).
        im2col_step: Images per launch of MMCV's kernel.

    Returns:
        (B, Q, M * C).
    """
    dtype = value.dtype
    if dtype in (torch.float16, torch.bfloat16):
        # MMCV has no bfloat16 kernel, and on a large level a location in either type
        # is off by some pixels
        value = value.float()
    sampling_locations = sampling_locations.to(value.dtype)
    attention_weights = attention_weights.to(value.dtype)
    if torch.onnx.is_in_onnx_export():
        output = multi_scale_deformable_attn_pytorch(
            value, spatial_shapes, sampling_locations, attention_weights
        )
    elif value.is_cuda:
        output = MultiScaleDeformableAttnFunction.apply(
            value,
            spatial_shapes,
            level_start_index,
            sampling_locations,
            attention_weights,
            im2col_step,
        )
    else:
        output = _BagAttention.apply(
            value, spatial_shapes.tolist(), sampling_locations, attention_weights
        )
    return output.to(dtype)


class _BagAttention(torch.autograd.Function):
    """Deformable attention that keeps nothing but its arguments."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        value: Tensor,
        sizes: list[list[int]],
        locations: Tensor,
        weights: Tensor,
    ) -> Tensor:
        ctx.save_for_backward(value, locations, weights)
        ctx.sizes = sizes
        output = 0
        for level, (rows, points) in enumerate(_levels(value, sizes, locations)):
            corner_weights = points.corner_weights(weights[:, :, :, level])
            output += F.embedding_bag(
                points.corner_rows(),
                rows,
                per_sample_weights=corner_weights.view(points.num_bags, -1),
                mode='sum',
            )
        # (B * Q * M, C) -> (B, Q, M * C)
        return output.view(*locations.shape[:2], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        value, locations, weights = ctx.saved_tensors
        # (B, Q, M * C) -> (B * Q * M, C)
        grad = grad.reshape(-1, value.shape[-1])
        grad_values, grad_locations, grad_weights = [], [], []
        for level, (rows, points) in enumerate(_levels(value, ctx.sizes, locations)):
            level_weights = weights[:, :, :, level]
            corner_weights = points.corner_weights(level_weights)
            products = _corner_products(rows, points, corner_weights, grad)
            location, weight = points.gradients(products, level_weights)
            grad_locations.append(location)
            grad_weights.append(weight)
            grad_values.append(
                _scatter(len(rows), points, corner_weights, grad, value.shape)
            )
        return (
            torch.cat(grad_values, dim=1),
            None,
            torch.stack(grad_locations, dim=3),
            torch.stack(grad_weights, dim=3),
        )


class _LevelPoints:
    """The sampled points of one level, among the level's padded rows.

    Args:
        locations: x and y of each point, 0 to 1, (B, Q, M, P, 2).
        size: Height and width of the level.
    """

    def __init__(self, locations: Tensor, size: list[int]) -> None:
        batch_size, _, num_heads, self.num_points, _ = locations.shape
        height, width = size
        self.size = size
        self.num_bags = locations[..., 0, 0].numel()
        self.scale = locations.new_tensor([width, height])
        # rounded as grid_sample rounds: before any training all points lie on pixels'
        # centres, where the slope jumps
        position = (2 * locations - 1).add_(1).mul_(self.scale / 2).sub_(0.5)
        # farther out there are only zeros
        clamped = torch.minimum(position.clamp(min=-1), self.scale)
        self.is_near = clamped == position
        low = clamped.floor()
        self.share_x, self.share_y = (clamped - low).unbind(-1)

        row_stride = (width + _BEFORE + _BEHIND) * num_heads
        image_stride = (height + _BEFORE + _BEHIND) * row_stride
        self.offsets = (0, num_heads, row_stride, row_stride + num_heads)
        first = torch.arange(num_heads, dtype=torch.int32)
        first = first + _BEFORE * (num_heads + row_stride)
        images = torch.arange(batch_size, dtype=torch.int32) * image_stride
        low_x, low_y = low.int().unbind(-1)
        # (B, Q, M, P), the row of the point's upper left neighbour
        self.low_rows = low_x * num_heads + low_y * row_stride + first[:, None]
        self.low_rows += images[:, None, None, None]

    def corner_rows(self) -> Tensor:
        """Rows of the four neighbours of each point, (B * Q * M, P * 4)."""
        offsets = self.low_rows.new_tensor(self.offsets)
        return (self.low_rows[..., None] + offsets).view(self.num_bags, -1)

    def corner_weights(self, weights: Tensor) -> Tensor:
        """Bilinear weight times attention weight, (B, Q, M, P, 4)."""
        lower = weights * self.share_y
        upper = weights - lower
        lower_right = lower * self.share_x
        upper_right = upper * self.share_x
        return torch.stack(
            [upper - upper_right, upper_right, lower - lower_right, lower_right], -1
        )

    def gradients(self, products: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients of locations and attention weights.

        Args:
            products: Each neighbour's features times the output's gradient, (B, Q, M,
                P, 4).
            weights: Attention weights, (B, Q, M, P).

        Returns:
            (B, Q, M, P, 2) and (B, Q, M, P).
        """
        upper_left, upper_right, lower_left, lower_right = products.unbind(-1)
        upper = torch.lerp(upper_left, upper_right, self.share_x)
        lower = torch.lerp(lower_left, lower_right, self.share_x)
        slope_x = torch.lerp(
            upper_right - upper_left, lower_right - lower_left, self.share_y
        )
        slopes = torch.stack([slope_x, lower - upper], dim=-1)
        slopes *= weights[..., None] * self.scale
        return slopes * self.is_near, torch.lerp(upper, lower, self.share_y)


def _levels(
    value: Tensor, sizes: list[list[int]], locations: Tensor
) -> Iterator[tuple[Tensor, _LevelPoints]]:
    """Each level's features as rows within a border of zeros, and its points."""
    batch_size, _, num_heads, channels = value.shape
    levels = value.split([height * width for height, width in sizes], dim=1)
    border = (0, 0, _BEFORE, _BEHIND, _BEFORE, _BEHIND)
    for index, ((height, width), level) in enumerate(zip(sizes, levels, strict=True)):
        # (B, H * W, M, C) -> (B, H, W, M * C)
        level = level.reshape(batch_size, height, width, num_heads * channels)
        rows = F.pad(level, border).view(-1, channels)
        yield rows, _LevelPoints(locations[:, :, :, index], [height, width])


def _corner_products(
    rows: Tensor, points: _LevelPoints, corner_weights: Tensor, grad: Tensor
) -> Tensor:
    """Scalar product of each sampled neighbour with its output's gradient."""
    with torch.enable_grad():
        corner_weights = corner_weights.requires_grad_()
        output = F.embedding_bag(
            points.corner_rows(),
            rows,
            per_sample_weights=corner_weights.view(points.num_bags, -1),
            mode='sum',
        )
    return torch.autograd.grad(output, corner_weights, grad)[0]


def _scatter(
    num_rows: int,
    points: _LevelPoints,
    corner_weights: Tensor,
    grad: Tensor,
    shape: torch.Size,
) -> Tensor:
    """Gradient of a level's features, (B, H * W, M, C).

    Scattering is gathering by the transposed matrix: the points are sorted by row, and
    each row sums the gradients of its points.
    """
    rows, order = points.low_rows.flatten().sort()
    starts = F.pad(rows.bincount(minlength=num_rows).cumsum(0), (1, 0))
    bags = order // points.num_points
    # (B, Q, M, P, 4) -> (4, B * Q * M * P)
    corner_weights = corner_weights.detach().view(-1, 4)[order].t().contiguous()
    output = grad.new_zeros(num_rows, grad.shape[-1])
    for offset, weight in zip(points.offsets, corner_weights, strict=True):
        part = F.embedding_bag(
            bags,
            grad,
            starts,
            per_sample_weights=weight,
            mode='sum',
            include_last_offset=True,
        )
        output[offset:] += part[: num_rows - offset]
    height, width = points.size
    batch_size, _, num_heads, channels = shape
    # cut the border off
    output = output.view(
        batch_size, height + _BEFORE + _BEHIND, -1, num_heads, channels
    )
    output = output[:, _BEFORE : _BEFORE + height, _BEFORE : _BEFORE + width]
    return output.reshape(batch_size, height * width, num_heads, channels)
