"""BCNet's mask head."""

import torch
from mmcv.cnn import ConvModule, NonLocal2d
from mmdet.registry import MODELS
from mmengine.model import BaseModule, constant_init, kaiming_init, normal_init
from mmengine.structures import InstanceData
from torch import Tensor, nn

from ..mask_boundaries import mask_boundaries
from .occluder_mask_head import OccluderMaskHead


class BilayerBranch(BaseModule):
    """Two convolutions, a non-local block ("graph convolution"), two convolutions.

    Args:
        channels: Channels throughout.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()

        def convs() -> nn.Sequential:
            return nn.Sequential(
                ConvModule(channels, channels, 3, padding=1),
                ConvModule(channels, channels, 3, padding=1),
            )

        self.before, self.after = convs(), convs()
        self.block = NonLocal2d(
            channels, reduction=1, use_scale=True, norm_cfg=dict(type='BN', eps=1e-4)
        )

    def init_weights(self) -> None:
        """The block as in the released code; MMCV's starts as the identity."""
        super().init_weights()
        for name in ('g', 'theta', 'phi', 'conv_out'):
            kaiming_init(getattr(self.block, name).conv)
        constant_init(self.block.conv_out.bn, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape, (N, channels, h, w)."""
        return self.after(self.block(self.before(x)))


@MODELS.register_module()
class BCNetMaskHead(OccluderMaskHead):
    """Occluder and occludee as two layers, each with mask and boundary.

    Ke et al., Deep Occlusion-Aware Instance Segmentation with Overlapping BiLayers
    (CVPR 2021). The features of the occluder are added to those from which the object
    itself is predicted.

    Args:
        num_classes: Number of classes.
        in_channels: Channels of the RoI features, and of all layers.
        class_agnostic: See :class:`BaseAmodalMaskHead`; one mask for all classes in
            the released code.
        loss_weights: See there. The boundaries have 1: the released code adds
            up half of the same loss twice. The paper has 0.5.
        occluder_rule: See :class:`OccluderMaskHead`.
    """

    branches = ('amodal', 'boundary', 'occluder', 'occluder_boundary')

    def __init__(
        self,
        num_classes: int = 80,
        in_channels: int = 256,
        class_agnostic: bool = True,
        loss_weights: dict[str, float] | None = None,
        occluder_rule: str = 'neighbours',
    ) -> None:
        super().__init__(
            occluder_rule,
            num_classes=num_classes,
            class_agnostic=class_agnostic,
            loss_weights=dict(occluder=0.25) | dict(loss_weights or {}),
        )
        self.occluder, self.occludee = (BilayerBranch(in_channels) for _ in range(2))
        outputs = 1 if class_agnostic else num_classes
        self.predictors = nn.ModuleDict(
            {
                name: nn.Sequential(
                    nn.ConvTranspose2d(in_channels, in_channels, 2, 2),
                    nn.ReLU(inplace=True),
                    nn.Conv2d(in_channels, outputs, 1),
                )
                for name in self.branches
            }
        )

    def init_weights(self) -> None:
        """As the released code."""
        super().init_weights()
        for upsample, _, logits in self.predictors.values():
            kaiming_init(upsample)
            normal_init(logits, std=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """See :meth:`BaseAmodalMaskHead.forward`."""
        if not len(x):
            # no batch norm without RoIs; every parameter gets a gradient of 0
            zero = sum(parameter.sum() for parameter in self.parameters()) * 0
            return self.no_predictions(x) + zero
        front = self.occluder(x)
        own = self.occludee(x + front)
        return torch.cat(
            [
                predict(front if name.startswith('occluder') else own)
                for name, predict in self.predictors.items()
            ],
            dim=1,
        )

    def _image_targets(
        self,
        boxes: Tensor,
        objects: Tensor,
        instances: InstanceData,
        size: tuple[int, int],
    ) -> dict[str, Tensor]:
        targets = super()._image_targets(boxes, objects, instances, size)
        return targets | dict(
            boundary=mask_boundaries(targets['amodal']),
            occluder_boundary=mask_boundaries(targets['occluder']),
        )
