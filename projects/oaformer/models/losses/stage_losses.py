"""The losses of a stage: class, and masks, amodal or visible."""

from collections.abc import Sequence
from typing import NamedTuple

from mmdet.utils import ConfigType
from torch import Tensor, nn

from ..task_modules import Matches, uncertain_points


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
