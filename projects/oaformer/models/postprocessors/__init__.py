"""From logits to instances."""

from .amodal_fusion_head import AmodalFusionHead, top_instances
from .region_encoder import RegionEncoder
from .upsampling import ImageSizes, MaskUpsampler, positive_boxes, region_quality

__all__ = [
    'AmodalFusionHead',
    'ImageSizes',
    'MaskUpsampler',
    'RegionEncoder',
    'positive_boxes',
    'region_quality',
    'top_instances',
]
