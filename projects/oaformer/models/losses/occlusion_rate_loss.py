"""The occlusion loss."""

import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class OcclusionRateLoss(nn.Module):
    """Smooth L1 between predicted and annotated occlusion rates.

    OAFormer, section 2.6: weight 2 beside 0.5 for mask cross-entropy, 0.5 for
    dice and 0.2 for classification.

    Args:
        beta: Error, in occlusion rate, where the loss turns from quadratic to
            linear. Rates lie in [0, 1], so 1.0 (PyTorch's default; the paper
            gives none) is quadratic throughout.
        loss_weight: Weight of the loss.
    """

    def __init__(self, beta: float = 1.0, loss_weight: float = 2.0) -> None:
        super().__init__()
        self.beta = beta
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, target: Tensor, avg_factor: float) -> Tensor:
        """Sum over the instances divided by ``avg_factor``.

        Args:
            logits: Occlusion-rate logits; the rate is their sigmoid, (N,).
            target: Annotated occlusion rates in [0, 1], (N,).
            avg_factor: What to divide by, in general the number of instances.

        Returns:
            The loss, a scalar; 0 with a gradient of 0 where N is 0.
        """
        loss = F.smooth_l1_loss(
            logits.sigmoid(), target.to(logits.dtype), reduction='sum', beta=self.beta
        )
        return self.loss_weight * loss / avg_factor
