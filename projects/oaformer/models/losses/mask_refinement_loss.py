"""Losses of masks that are predicted in two passes."""

import torch
import torch.nn.functional as F
from torch import Tensor


def weighted_mask_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Binary cross-entropy of RoIs that count by a weight each.

    As in the released code of Xiao et al. (AAAI 2021), the sum is divided by the number
    of pixels and not by that of weights.

    Args:
        logits: Mask logits, (N, h, w).
        targets: Bool, (N, h, w).
        weights: (N,).

    Returns:
        The loss, with a gradient of 0 where there are no RoIs.
    """
    losses = F.binary_cross_entropy_with_logits(
        logits, targets.to(logits.dtype), reduction='none'
    )
    return (losses * weights[:, None, None]).sum() / max(logits.numel(), 1)


def matching_loss(features: Tensor, reference: Tensor) -> Tensor:
    """How far features of RoIs point away from those of a better pass.

    Args:
        features: (N, C, h, w).
        reference: The same, without a gradient.

    Returns:
        One minus the cosine of each RoI's features, averaged over the RoIs.
    """
    ours, theirs = features.flatten(1).float(), reference.detach().flatten(1).float()
    # F.cosine_similarity divides all features by their length, in both directions
    lengths = ours.norm(dim=1) * theirs.norm(dim=1)
    cosines = torch.linalg.vecdot(ours, theirs) / lengths.clamp(min=1e-8)
    return (1 - cosines).sum() / max(len(cosines), 1)
