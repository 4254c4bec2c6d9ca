"""From logits to instances."""

from .amodal_fusion_head import AmodalFusionHead
from .instances import TopInstances, top_instances
from .upsampling import (
    ImageSizes,
    MaskRegion,
    MaskUpsampler,
    positive_boxes,
    region_quality,
)

__all__ = [
    'AmodalFusionHead',
    'MaskRegion',
    'MaskUpsampler',
    'ImageSizes',
    'TopInstances',
    'positive_boxes',
    'region_quality',
    'top_instances',
]
