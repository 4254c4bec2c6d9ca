"""SLN's RoI head."""

from collections.abc import Sequence

import torch
from mmdet.models.task_modules import SamplingResult
from mmdet.registry import MODELS
from mmdet.utils import InstanceList, OptConfigType
from torch import Tensor

from .amodal_roi_head import AmodalRoIHead
from .layering import layering_features


@MODELS.register_module()
class SLNRoIHead(AmodalRoIHead):
    """``AmodalRoIHead`` whose mask head also sees how many objects lie over a pixel.

    The features of :func:`layering_features` are pooled as those of the mask head and
    follow them on the channel axis, in training and in testing.

    Args:
        layering_head: Config of :class:`GlobalLayeringHead`; without one the mask head
            has the RoI features alone.
        **kwargs: Arguments of :class:`AmodalRoIHead`, with a :class:`SLNMaskHead`.

    Raises:
        ValueError: If the mask head does not take these channels.
    """

    def __init__(self, layering_head: OptConfigType = None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.layering_head, added = None, 0
        if layering_head is not None:
            self.layering_head = MODELS.build(layering_head)
            added = self.layering_head.max_layers + 2
            size = self.mask_roi_extractor.roi_layers[0].output_size
            self.layering_roi_extractor = MODELS.build(
                dict(
                    type='SingleRoIExtractor',
                    roi_layer=dict(type='RoIAlign', output_size=size, sampling_ratio=0),
                    out_channels=added,
                    featmap_strides=[self.layering_head.stride],
                )
            )
        channels = self.mask_roi_extractor.out_channels
        if self.mask_head.in_channels != channels + added:
            raise ValueError(
                f'roi_head.mask_head.in_channels is {self.mask_head.in_channels}: set '
                f'it to {channels + added}, {channels} of mask_roi_extractor and '
                f'{added} of layering_head'
            )

    def mask_loss(
        self,
        x: Sequence[Tensor],
        sampling_results: list[SamplingResult],
        bbox_feats: Tensor,
        batch_gt_instances: InstanceList,
    ) -> dict:
        """See ``StandardRoIHead``; with ``loss_layering``."""
        results = super().mask_loss(x, sampling_results, bbox_feats, batch_gt_instances)
        if self.layering_head is not None:
            results['loss_mask']['loss_layering'] = self.layering_head.loss(
                results['layering'], batch_gt_instances
            )
        return results

    def _mask_forward(self, x: Sequence[Tensor], rois: Tensor) -> dict[str, Tensor]:
        """See ``StandardRoIHead``; with ``layering``, the logits of all images."""
        if self.layering_head is None:
            return super()._mask_forward(x, rois)
        layering, _ = self.layering_head(x)
        added = self.layering_roi_extractor([layering_features(layering)], rois)
        features = torch.cat([self.mask_features(x, rois), added], dim=1)
        return dict(
            mask_preds=self.mask_head(features), mask_feats=features, layering=layering
        )
