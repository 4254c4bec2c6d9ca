"""Mask heads that also predict what lies in front of an object."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from mmengine.structures import InstanceData
from torch import Tensor

from ..occluders import RULES, balanced_rows, occluder_adjacency, occluder_masks
from .base_amodal_mask_head import BaseAmodalMaskHead


class OccluderMaskHead(BaseAmodalMaskHead):
    """A head with a branch 'occluder', the visible masks of an object's occluders.

    Args:
        occluder_rule: Which objects are occluders: 'neighbours' or 'occluders', see
            :func:`~..occluders.occluder_adjacency`.
        **kwargs: Arguments of :class:`BaseAmodalMaskHead`.

    Raises:
        ValueError: If the rule is unknown.
    """

    def __init__(self, occluder_rule: str = 'neighbours', **kwargs) -> None:
        super().__init__(**kwargs)
        if occluder_rule not in RULES:
            raise ValueError(f'occluder_rule is one of {RULES}, not {occluder_rule!r}')
        self.occluder_rule = occluder_rule

    def object_masks(
        self, instances: InstanceData, device: torch.device
    ) -> dict[str, Tensor]:
        """See :meth:`BaseAmodalMaskHead.object_masks`; with 'occluder'."""
        masks = super().object_masks(instances, device)
        boxes = instances.bboxes.to(device)
        adjacency = occluder_adjacency(
            masks['amodal'], masks['visible'], boxes, self.occluder_rule
        )
        masks['occluder'] = occluder_masks(masks['visible'], adjacency, boxes)
        return masks

    def losses(
        self, logits: Mapping[str, Tensor], targets: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """See :meth:`BaseAmodalMaskHead.losses`.

        The losses of occluders are means over the RoIs of :func:`balanced_rows`, 0
        without an occluder.
        """
        rows = balanced_rows(targets['occluder'])
        losses = {}
        for name in self.branches:
            logit, target = logits[name], targets[name].float()
            if name.startswith('occluder'):
                if not len(rows):
                    losses[name] = logit.sum() * 0
                    continue
                logit, target = logit[rows], target[rows]
            losses[name] = F.binary_cross_entropy_with_logits(logit, target)
        return losses
