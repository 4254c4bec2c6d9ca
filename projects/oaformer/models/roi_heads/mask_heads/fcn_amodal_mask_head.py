"""Mask R-CNN's mask head, once for each kind of mask."""

import torch
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.registry import MODELS
from mmengine.model import ModuleDict
from torch import Tensor

from .base_amodal_mask_head import BaseAmodalMaskHead


@MODELS.register_module()
class FCNAmodalMaskHead(BaseAmodalMaskHead):
    """Fully convolutional mask heads, one for each branch, each with own weights.

    With the one branch 'amodal' it is Mask R-CNN's head trained with amodal masks: the
    same losses, gradients and masks as MMDetection's ``FCNMaskHead``.

    Args:
        num_classes: Number of classes.
        class_agnostic: See :class:`BaseAmodalMaskHead`.
        loss_weights: See there.
        **kwargs: Arguments of ``FCNMaskHead``.
    """

    def __init__(
        self,
        num_classes: int = 80,
        class_agnostic: bool = False,
        loss_weights: dict[str, float] | None = None,
        **kwargs,
    ) -> None:
        super().__init__(num_classes, class_agnostic, loss_weights)
        self.trunks = ModuleDict(
            {
                name: FCNMaskHead(
                    num_classes=num_classes, class_agnostic=class_agnostic, **kwargs
                )
                for name in self.branches
                if name != 'invisible'
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        """See :meth:`BaseAmodalMaskHead.forward`."""
        masks = [trunk(x) for trunk in self.trunks.values()]
        return masks[0] if len(masks) == 1 else torch.cat(masks, dim=1)
