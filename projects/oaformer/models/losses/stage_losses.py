"""The losses of all stages: class, amodal and visible masks, occlusion rate."""

from collections.abc import Sequence
from typing import NamedTuple

from mmdet.utils import ConfigType
from torch import Tensor, nn

from ..task_modules import (
    AmodalTargets,
    Matches,
    OAFormerOutput,
    matched_masks,
    uncertain_points,
)


def with_class_weight(loss_cls: ConfigType, num_classes: int) -> ConfigType:
    """Write out ``bg_cls_weight`` as the list ``class_weight``.

    Args:
        loss_cls: Config of the loss; not changed.
        num_classes: K, without background.

    Returns:
        The config with 1 for each class and ``bg_cls_weight`` for the background;
        unchanged without that key.
    """
    if 'bg_cls_weight' not in loss_cls:
        return loss_cls
    loss_cls = loss_cls.copy()
    loss_cls['class_weight'] = [1.0] * num_classes + [loss_cls.pop('bg_cls_weight')]
    return loss_cls


def class_loss(
    loss_cls: nn.Module,
    cls_score: Tensor,
    target_labels: Tensor,
    match: Matches,
    class_weight: Sequence[float],
    padded: bool = False,
) -> Tensor:
    """Classification loss over all queries; those without an object are background.

    Args:
        loss_cls: MMDetection's loss.
        cls_score: Class logits, background last, (B, Q, K + 1).
        target_labels: Class of each object of the batch, (N,).
        match: The matches of the stage.
        class_weight: Weight of each class, background last, K + 1 of them.
        padded: Queries without an object are padding instead, and do not count.

    Returns:
        The loss, a scalar: the mean weighted by ``class_weight``.
    """
    if padded:
        labels = target_labels[match.instance]
        cls_score = cls_score[match.image, match.query]
    else:
        # (B, Q), background where nothing is matched
        labels = target_labels.new_full(cls_score.shape[:2], cls_score.shape[-1] - 1)
        labels[match.image, match.query] = target_labels[match.instance]
        cls_score, labels = cls_score.flatten(0, 1), labels.flatten()
    weight = cls_score.new_tensor(class_weight)
    return loss_cls(cls_score, labels, avg_factor=weight[labels].sum())


class PointSampling(NamedTuple):
    """How the points of a loss are drawn; see :func:`uncertain_points`."""

    num_points: int
    oversample_ratio: float
    importance_sample_ratio: float


def mask_losses(
    losses: tuple[nn.Module, nn.Module],
    masks: Tensor,
    target_masks: Tensor,
    instance: Tensor,
    num_masks: Tensor,
    sampling: PointSampling,
) -> tuple[Tensor, Tensor]:
    """Cross-entropy and dice of masks on uncertain points.

    Args:
        losses: MMDetection's cross-entropy and dice loss.
        masks: Mask logits of matched queries, (M, h, w).
        target_masks: uint8 masks of all objects, (N, H, W).
        instance: Object of each mask, (M,).
        num_masks: What the sums over masks are divided by, a scalar.
        sampling: How points are drawn.

    Returns:
        Cross-entropy, a mean over points, and dice, scalars; 0 with a gradient of
        0 where M is 0.
    """
    loss_mask, loss_dice = losses
    logits, targets = uncertain_points(masks, target_masks, instance, *sampling)
    cross_entropy = loss_mask(
        logits.flatten(),
        targets.flatten(),
        avg_factor=num_masks * sampling.num_points,
    )
    return cross_entropy, loss_dice(logits, targets, avg_factor=num_masks)


class LossFunctions(NamedTuple):
    """What a head measures with.

    Attributes:
        classes: MMDetection's classification loss.
        class_weight: Weight of each class, background last.
        mask: Cross-entropy of amodal masks.
        dice: Dice loss of amodal masks.
        sampling: How the points of masks are drawn.
        occlusion: :class:`OcclusionRateLoss`, None where no rates are predicted.
        visible_mask: Cross-entropy of visible masks, None where none are predicted.
        visible_dice: Dice loss of visible masks, likewise.
    """

    classes: nn.Module
    class_weight: Sequence[float]
    mask: nn.Module
    dice: nn.Module
    sampling: PointSampling
    occlusion: nn.Module | None = None
    visible_mask: nn.Module | None = None
    visible_dice: nn.Module | None = None


def stage_losses(
    functions: LossFunctions,
    output: OAFormerOutput,
    targets: AmodalTargets,
    matches: list[Matches],
    counts: list[int],
    num_masks: Tensor,
    prompted: bool = False,
) -> dict[str, Tensor]:
    """Losses of every stage.

    Args:
        functions: The losses.
        output: Result of the head in float32.
        targets: Ground truth of the batch.
        matches: The matches of each stage.
        counts: Number of matched queries of each image.
        num_masks: What the sums over masks are divided by, a scalar.
        prompted: Whether the queries are prompted: their first stage is left out, and
            those without an object are padding.

    Returns:
        ``loss_*`` of the last stage and ``d{i}.loss_*`` of stage i.
    """
    # visible masks belong to the last stages, and to the same queries and objects
    first_visible = len(matches) - len(output.visible_mask_embeds)
    embeds = [*output.mask_embeds, *output.visible_mask_embeds]
    embed_matches = matches + matches[first_visible:]
    matched_embeds = [
        embed[match.image, match.query]
        for embed, match in zip(embeds, embed_matches, strict=True)
    ]
    masks = matched_masks(matched_embeds, output.mask_features, counts)
    # stage i of the prompted queries, which have no first stage, is number i + 1
    first = int(prompted)
    last = first + len(matches) - 1
    prefixes = [f'd{stage}.' for stage in range(first, last)] + ['']
    losses = {}
    for stage, (prefix, match) in enumerate(zip(prefixes, matches, strict=True)):
        losses[f'{prefix}loss_cls'] = class_loss(
            functions.classes,
            output.cls_scores[stage],
            targets.labels,
            match,
            functions.class_weight,
            padded=prompted,
        )
        losses[f'{prefix}loss_mask'], losses[f'{prefix}loss_dice'] = mask_losses(
            (functions.mask, functions.dice),
            masks[stage],
            targets.masks,
            match.instance,
            num_masks,
            functions.sampling,
        )
        if stage < len(output.occlusion_logits):
            losses[f'{prefix}loss_occlusion'] = functions.occlusion(
                output.occlusion_logits[stage][match.image, match.query],
                targets.occlusion_rates[match.instance],
                avg_factor=num_masks,
            )
    # after the others, whose random points are then the same with and without
    for stage, visible in enumerate(masks[len(matches) :], first_visible):
        mask, dice = mask_losses(
            (functions.visible_mask, functions.visible_dice),
            visible,
            targets.visible_masks,
            matches[stage].instance,
            num_masks,
            functions.sampling,
        )
        losses[f'{prefixes[stage]}loss_visible_mask'] = mask
        losses[f'{prefixes[stage]}loss_visible_dice'] = dice
    return losses
