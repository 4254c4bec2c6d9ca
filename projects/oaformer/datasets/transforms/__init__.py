"""Transforms of amodal annotations."""

from .formatting import PackAmodalInputs
from .loading import LoadAmodalAnnotations
from .occlusion_rate import OcclusionRate

__all__ = ['LoadAmodalAnnotations', 'OcclusionRate', 'PackAmodalInputs']
