"""Masks at points, without building whole masks."""

from collections.abc import Sequence

import torch
from mmcv.ops import point_sample
from mmdet.models.utils import get_uncertain_point_coords_with_randomness
from torch import Tensor


def sample_masks(masks: Tensor, indices: Tensor, points: Tensor) -> Tensor:
    """Masks at points, bilinear, read straight from bytes.

    Equal to ``mmcv.ops.point_sample(masks[indices].float()[:, None], points)``
    without its two float copies of every full-size mask.

    Args:
        masks: uint8 or bool masks, (N, H, W).
        indices: Mask of each row of points, (M,).
        points: (x, y) in [0, 1], (M, P, 2).

    Returns:
        float32 in [0, 1], (M, P); outside the mask is 0.
    """
    height, width = masks.shape[-2:]
    # centre of pixel i is (i + 0.5) / size, as align_corners=False has it
    x, y = points[..., 0] * width - 0.5, points[..., 1] * height - 0.5
    left, top = x.floor(), y.floor()
    right_share, bottom_share = x - left, y - top
    left, top = left.long(), top.long()
    flat, start = masks.reshape(-1), indices[:, None] * (height * width)
    result = torch.zeros_like(x)
    for down in (0, 1):
        row_share = bottom_share if down else 1 - bottom_share
        row = top + down
        for across in (0, 1):
            column = left + across
            share = row_share * (right_share if across else 1 - right_share)
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            position = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
            result += share * (flat[start + position] * inside)
    return result


def matched_masks(
    mask_embeds: Sequence[Tensor], mask_features: Tensor, counts: Sequence[int]
) -> list[Tensor]:
    """Build the masks of matched queries, and no others.

    One product per image covers all stages, so that the gradient of the features is
    computed once and not added up stage by stage.

    Args:
        mask_embeds: Embeddings of each stage's matched queries, image after image,
            (M, C) each.
        mask_features: (B, C, H/4, W/4).
        counts: Matches of each image; they sum to M.

    Returns:
        Mask logits of each stage, (M, H/4, W/4) each.
    """
    # (S, M, C), then (S, M_b, C) for each image
    by_image = torch.stack(list(mask_embeds)).split(list(counts), dim=1)
    masks = [
        torch.einsum('smc,chw->smhw', embed, features).unbind()
        for embed, features in zip(by_image, mask_features, strict=True)
    ]
    return [torch.cat(stage) for stage in zip(*masks, strict=True)]


def uncertain_points(
    masks: Tensor,
    target_masks: Tensor,
    instance: Tensor,
    num_points: int,
    oversample_ratio: float,
    importance_sample_ratio: float,
) -> tuple[Tensor, Tensor]:
    """Logits and targets of masks at uncertain points (Mask2Former, section 3.3).

    Args:
        masks: Mask logits, (M, h, w).
        target_masks: uint8 masks of all objects, (N, H, W).
        instance: Object of each mask, (M,).
        num_points: P, points per mask.
        oversample_ratio: How many more points are drawn than kept.
        importance_sample_ratio: Share of the points that are the most uncertain.

    Returns:
        Mask logits and targets in [0, 1], (M, P) each. Where M is 0 the logits
        are empty but keep their gradient, which distributed training needs.
    """
    if len(masks) == 0:
        return masks.flatten(1), masks.flatten(1).detach()
    masks = masks[:, None]
    with torch.no_grad():
        points = get_uncertain_point_coords_with_randomness(
            masks, None, num_points, oversample_ratio, importance_sample_ratio
        )
        target_points = sample_masks(target_masks, instance, points)
    return point_sample(masks, points)[:, 0], target_points
