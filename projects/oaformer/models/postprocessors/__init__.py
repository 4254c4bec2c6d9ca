"""From logits to instances."""

from .amodal_fusion_head import AmodalFusionHead, top_instances
from .upsampling import ImageSizes, MaskUpsampler, positive_boxes, region_quality

__all__ = [
    'AmodalFusionHead',
    'ImageSizes',
    'MaskUpsampler',
    'positive_boxes',
    'region_quality',
    'top_instances',
]
