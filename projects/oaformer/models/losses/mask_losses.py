"""The mask losses of a stage, amodal or visible."""

from typing import NamedTuple

from torch import Tensor, nn

from ..task_modules import uncertain_points


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
