"""How many objects lie over each pixel of an image."""

import torch
from mmdet.models.roi_heads.mask_heads import FusedSemanticHead
from mmdet.registry import MODELS
from mmdet.utils import InstanceList
from torch import Tensor, nn

from ..layering import count_map


@MODELS.register_module()
class GlobalLayeringHead(FusedSemanticHead):
    """Number of amodal masks over each pixel, the global layering map of SLN.

    The layers and the loss are those of MMDetection's semantic head of HTC, on five
    levels of a feature pyramid, at stride 8. In SLN's released code a frozen DeepLab
    has its place.

    Args:
        **kwargs: Arguments of ``FusedSemanticHead``, such as ``in_channels`` and
            ``conv_out_channels``.
    """

    stride = 8
    max_layers = 3
    """Three layers and more are one class."""

    def __init__(self, **kwargs) -> None:
        super().__init__(
            num_ins=5, fusion_level=1, num_classes=self.max_layers + 1, **kwargs
        )
        # its features are not used, and its weights would have no gradient
        self.conv_embedding = nn.Identity()

    def loss(self, logits: Tensor, batch_gt_instances: InstanceList) -> Tensor:
        """Cross-entropy of the number of layers, with its weight.

        Args:
            logits: The first result of ``forward``, (B, 4, h, w).
            batch_gt_instances: Ground truth, with masks of the batch's size.
        """
        # every eighth row and column, which FusedSemanticHead samples, too
        counts = [
            count_map(
                torch.from_numpy(
                    instances.masks.masks[:, :: self.stride, :: self.stride]
                ),
                self.max_layers,
            )
            for instances in batch_gt_instances
        ]
        return self.criterion(logits.float(), torch.stack(counts).to(logits.device))
