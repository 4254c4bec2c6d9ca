"""SLN's mask head."""

import torch
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.registry import MODELS
from torch import Tensor, nn

from ..layering import noisy_or
from .base_amodal_mask_head import BaseAmodalMaskHead

AMODAL = ('noisy-or', 'sum')


@MODELS.register_module()
class SLNMaskHead(BaseAmodalMaskHead):
    """The layers of an object, and the amodal mask as their union.

    Zhang et al., Learning Semantics-aware Distance Map with Semantics Layering Network
    for Amodal Instance Segmentation (ACM MM 2019), after the released code: Mask
    R-CNN's convolutions with a channel for each layer, the same for all classes. The
    losses are the mean of those of the layers and that of their union.

    Args:
        num_classes: Number of classes.
        num_layers: 2, the visible and the invisible part, or 1, the amodal mask, as
            released.
        amodal: Logit of the amodal mask. 'noisy-or': at least one of the layers.
            'sum': the sum of their logits, as published, which does not agree with the
            layers: a pixel that is surely invisible and not visible, with logits 4 and
            -4, has 0.
        loss_weights: See :class:`BaseAmodalMaskHead`; 1 / 2 for each of two layers
            where not named. One layer is the amodal mask itself and has both losses,
            hence 2.
        **kwargs: Arguments of ``FCNMaskHead``.

    Raises:
        ValueError: If ``num_layers`` or ``amodal`` is another one.
    """

    branches = ('amodal', 'visible', 'invisible')

    def __init__(
        self,
        num_classes: int = 80,
        num_layers: int = 2,
        amodal: str = 'noisy-or',
        loss_weights: dict[str, float] | None = None,
        **kwargs,
    ) -> None:
        if num_layers not in (1, 2):
            raise ValueError(
                'num_layers is 2 (visible and invisible) or 1 (amodal), not '
                f'{num_layers!r}: annotations have no depth order for more'
            )
        if amodal not in AMODAL:
            raise ValueError(f'amodal is one of {AMODAL}, not {amodal!r}')
        weights = dict(visible=0.5, invisible=0.5)
        if num_layers == 1:
            self.branches, weights = ('amodal',), dict(amodal=2.0)
        super().__init__(
            num_classes,
            class_agnostic=True,
            loss_weights=weights | dict(loss_weights or {}),
        )
        self.num_layers, self.amodal = num_layers, amodal
        self.trunk = FCNMaskHead(num_classes=num_classes, class_agnostic=True, **kwargs)
        self.in_channels = self.trunk.in_channels
        # layers, not classes, are its channels
        width = self.trunk.conv_logits.in_channels
        self.trunk.conv_logits = nn.Conv2d(width, num_layers, 1)

    def forward(self, x: Tensor) -> Tensor:
        """See :meth:`BaseAmodalMaskHead.forward`; in float32."""
        layers = self.trunk(x).float()
        if self.num_layers == 1:
            return layers
        union = layers.sum(1) if self.amodal == 'sum' else noisy_or(layers)
        return torch.cat([union[:, None], layers], dim=1)
