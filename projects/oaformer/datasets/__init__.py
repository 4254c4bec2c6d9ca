"""Data sets of amodal instances and their transforms."""

from .amodal_coco import AmodalCocoDataset
from .annotation import parse_amodal_annotation
from .annotation_file import read_annotation_file
from .bop import TLESSDataset
from .cocoa import COCOAClsDataset, COCOADataset
from .d2sa import D2SADataset
from .kins import KINSDataset
from .synth_amodal import SynthAmodalDataset
from .transforms import (
    AmodalCopyPaste,
    LoadAmodalAnnotations,
    OcclusionRate,
    PackAmodalInputs,
)
from .uoais import UOAISDataset

__all__ = [
    'AmodalCocoDataset',
    'AmodalCopyPaste',
    'COCOAClsDataset',
    'COCOADataset',
    'D2SADataset',
    'KINSDataset',
    'LoadAmodalAnnotations',
    'OcclusionRate',
    'PackAmodalInputs',
    'SynthAmodalDataset',
    'TLESSDataset',
    'UOAISDataset',
    'parse_amodal_annotation',
    'read_annotation_file',
]
