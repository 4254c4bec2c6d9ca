"""Hungarian matching of queries and objects on sampled points."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmcv.ops import point_sample
from mmdet.models.task_modules.assigners import HungarianAssigner
from mmdet.models.task_modules.assigners.match_cost import (
    ClassificationCost,
    CrossEntropyLossCost,
    DiceCost,
)
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from .point_sampling import sample_masks
from .targets import AmodalTargets


class MatchingWeights(NamedTuple):
    """Weights of the three matching costs, and the smoothing of the dice cost."""

    cls: float
    mask: float
    dice: float
    dice_eps: float


class Matches(NamedTuple):
    """Queries matched to objects in a batch, image after image.

    Attributes:
        image: Image of each match, (M,).
        query: Query of each match, (M,).
        instance: Object of each match, an index into :class:`AmodalTargets`, (M,).
    """

    image: Tensor
    query: Tensor
    instance: Tensor


def matching_weights(assigner: HungarianAssigner) -> MatchingWeights:
    """Read the weights from MMDetection's assigner.

    Raises:
        ValueError: If the assigner's costs are not Mask2Former's three.
    """
    costs = {type(cost): cost for cost in assigner.match_costs}
    if costs.keys() != {ClassificationCost, CrossEntropyLossCost, DiceCost}:
        raise ValueError(
            'train_cfg.assigner.match_costs must be one ClassificationCost, one '
            'CrossEntropyLossCost and one DiceCost, not '
            f'{[type(cost).__name__ for cost in assigner.match_costs]}'
        )
    dice = costs[DiceCost]
    if not (costs[CrossEntropyLossCost].use_sigmoid and dice.pred_act):
        raise ValueError('masks are logits: set use_sigmoid=True and pred_act=True')
    if not dice.naive_dice:
        raise ValueError('only naive_dice=True, as Mask2Former uses, is supported')
    return MatchingWeights(
        costs[ClassificationCost].weight,
        costs[CrossEntropyLossCost].weight,
        dice.weight,
        dice.eps,
    )


def matching_cost(
    cls_score: Tensor,
    mask_points: Tensor,
    labels: Tensor,
    target_points: Tensor,
    weights: MatchingWeights,
) -> Tensor:
    """Cost of matching each query to each object (Mask2Former, section 3).

    Equal to the sum of MMDetection's ``ClassificationCost``,
    ``CrossEntropyLossCost`` and ``DiceCost``; the cross-entropy takes one matrix
    product instead of two, since BCE(x, t) = softplus(x) - x t.

    Args:
        cls_score: Class logits, background last, (Q, K + 1).
        mask_points: Mask logits at the sampled points, (Q, P).
        labels: Class of each object, (N,).
        target_points: Masks of the objects at the same points, in [0, 1], (N, P).
        weights: Weights of the costs.

    Returns:
        float32 cost, (Q, N).
    """
    cost_cls = -cls_score.float().softmax(-1)[:, labels]
    logits, targets = mask_points.float(), target_points.float()
    # (Q, P) @ (P, N) -> (Q, N)
    cost_mask = F.softplus(logits).sum(1, keepdim=True) - logits @ targets.T
    cost_mask = cost_mask / logits.shape[1]
    probabilities = logits.sigmoid()
    overlap = 2 * probabilities @ targets.T
    total = probabilities.sum(1)[:, None] + targets.sum(1)[None]
    cost_dice = 1 - (overlap + weights.dice_eps) / (total + weights.dice_eps)
    return weights.cls * cost_cls + weights.mask * cost_mask + weights.dice * cost_dice


def assign(costs: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Solve many assignments with one transfer from the device and one back.

    Args:
        costs: Cost matrices, (Q, N) each, N may be 0 or more than Q.

    Returns:
        For each: indices of the matched queries, ascending, and of their objects,
        both of shape (min(Q, N),), on the device of the costs.

    Raises:
        FloatingPointError: If a cost is not finite.
    """
    device = costs[0].device
    flat = torch.cat([cost.detach().flatten() for cost in costs]).cpu()
    if not torch.isfinite(flat).all():
        raise FloatingPointError(
            'the matching costs are not finite: the model predicts inf or NaN. Most '
            'often the learning rate is too high or a loaded checkpoint is broken.'
        )
    pairs, offset = [], 0
    for cost in costs:
        matrix = flat[offset : offset + cost.numel()].view(cost.shape)
        offset += cost.numel()
        rows, columns = linear_sum_assignment(matrix.numpy())
        pairs.append(torch.stack([torch.from_numpy(rows), torch.from_numpy(columns)]))
    # (2, sum of matches): query indices above object indices
    moved = torch.cat(pairs, dim=1).long().to(device)
    sizes = [pair.shape[1] for pair in pairs]
    return [(pair[0], pair[1]) for pair in moved.split(sizes, dim=1)]


@torch.no_grad()
def match_stages(
    cls_scores: Sequence[Tensor],
    mask_embeds: Sequence[Tensor],
    mask_features: Tensor,
    targets: AmodalTargets,
    weights: MatchingWeights,
    num_points: int,
) -> list[Matches]:
    """Match the queries of every stage to the objects, each stage by itself.

    All stages of an image share its points; masks are sampled and never built.

    Args:
        cls_scores: Class logits of each stage, (B, Q, K + 1).
        mask_embeds: Mask embeddings of each stage, (B, Q, C).
        mask_features: (B, C, H/4, W/4).
        targets: Ground truth of the batch.
        weights: Weights of the costs.
        num_points: Points per image.

    Returns:
        The matches of each stage.
    """
    costs: list[list[Tensor]] = [[] for _ in cls_scores]
    offsets = targets.offsets()
    for image, (offset, count) in enumerate(zip(offsets, targets.counts, strict=True)):
        points = torch.rand(num_points, 2, device=mask_features.device)
        # (C, P); sampling commutes with the product of mask embedding and features
        features = point_sample(mask_features[image][None], points[None])[0]
        own = torch.arange(offset, offset + count, device=points.device)
        target_points = sample_masks(targets.masks, own, points.expand(count, -1, -1))
        for stage, (cls_score, mask_embed) in enumerate(
            zip(cls_scores, mask_embeds, strict=True)
        ):
            cost = matching_cost(
                cls_score[image],
                mask_embed[image] @ features,
                targets.labels[own],
                target_points,
                weights,
            )
            costs[stage].append(cost)
    pairs = iter(assign([cost for stage_costs in costs for cost in stage_costs]))
    return [_join([next(pairs) for _ in offsets], offsets) for _ in costs]


def _join(pairs: list[tuple[Tensor, Tensor]], offsets: list[int]) -> Matches:
    return Matches(
        torch.cat([torch.full_like(query, i) for i, (query, _) in enumerate(pairs)]),
        torch.cat([query for query, _ in pairs]),
        torch.cat(
            [own + offset for (_, own), offset in zip(pairs, offsets, strict=True)]
        ),
    )
