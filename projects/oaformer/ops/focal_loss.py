"""Sigmoid focal loss in PyTorch (Lin et al., Focal Loss, ICCV 2017)."""

import torch
import torch.nn.functional as F
from torch import Tensor


def sigmoid_focal_loss_forward(
    logits: Tensor,
    target: Tensor,
    weight: Tensor,
    output: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Compute the loss of each class of each location.

    Args:
        logits: (N, C).
        target: Class of each location, (N,); C is the background.
        weight: Weights of classes; they have to be none.
        output: The losses, (N, C), are written into it.
        gamma: Exponent of the missing probability.
        alpha: Weight of the target's class; the others have 1 - alpha.

    Raises:
        NotImplementedError: If there are weights of classes.
    """
    output.copy_(_losses(logits, target, weight, gamma, alpha))


def sigmoid_focal_loss_backward(
    logits: Tensor,
    target: Tensor,
    weight: Tensor,
    grad_input: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Compute the derivative of each loss, (N, C), by its logit into ``grad_input``.

    The other arguments are those of :func:`sigmoid_focal_loss_forward`.
    """
    logits = logits.detach().requires_grad_()
    with torch.enable_grad():
        losses = _losses(logits, target, weight, gamma, alpha)
        grad_input.copy_(*torch.autograd.grad(losses.sum(), logits))


def _losses(
    logits: Tensor, target: Tensor, weight: Tensor, gamma: float, alpha: float
) -> Tensor:
    if weight.numel():
        raise NotImplementedError(
            "focal loss with weights of classes needs MMCV's compiled operators"
        )
    # (N,) -> (N, C), without the background
    positive = F.one_hot(target, logits.shape[1] + 1)[:, :-1].to(logits)
    missing = (positive - logits.sigmoid()).abs()
    share = positive * alpha + (1 - positive) * (1 - alpha)
    entropy = F.binary_cross_entropy_with_logits(logits, positive, reduction='none')
    return share * missing**gamma * entropy
