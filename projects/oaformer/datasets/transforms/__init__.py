"""Transforms of amodal annotations."""

from .amodal_copy_paste import AmodalCopyPaste
from .formatting import PackAmodalInputs
from .loading import LoadAmodalAnnotations
from .occlusion_rate import OcclusionRate

__all__ = [
    'AmodalCopyPaste',
    'LoadAmodalAnnotations',
    'OcclusionRate',
    'PackAmodalInputs',
]
