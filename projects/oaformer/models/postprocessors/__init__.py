"""From logits to instances."""

from .amodal_fusion_head import AmodalFusionHead, named_tensors, output_from_tensors
from .instances import TopInstances, top_instances
from .region_encoder import RegionEncoder
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
    'RegionEncoder',
    'ImageSizes',
    'TopInstances',
    'named_tensors',
    'output_from_tensors',
    'positive_boxes',
    'region_quality',
    'top_instances',
]
