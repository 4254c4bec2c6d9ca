"""From logits to instances."""

from .amodal_fusion_head import AmodalFusionHead
from .instances import (
    PictureSizes,
    TopInstances,
    full_size_masks,
    mask_quality,
    top_instances,
)

__all__ = [
    'AmodalFusionHead',
    'PictureSizes',
    'TopInstances',
    'full_size_masks',
    'mask_quality',
    'top_instances',
]
