"""ORCNN's mask head."""

import torch
from mmdet.registry import MODELS
from torch import Tensor

from .fcn_amodal_mask_head import FCNAmodalMaskHead


@MODELS.register_module()
class ORCNNMaskHead(FCNAmodalMaskHead):
    """Amodal and visible masks, and the invisible one as what the two differ in.

    Follmann et al., Learning to See the Invisible: End-to-End Trainable Amodal Instance
    Segmentation (WACV 2019). The logit of the invisible mask is the amodal one minus
    the positive part of the visible one; it has a loss and no weights of its own.
    """

    branches = ('amodal', 'visible', 'invisible')

    def forward(self, x: Tensor) -> Tensor:
        """See :meth:`BaseAmodalMaskHead.forward`."""
        amodal, visible = (self.trunks[name](x) for name in ('amodal', 'visible'))
        return torch.cat([amodal, visible, amodal - visible.relu()], dim=1)
