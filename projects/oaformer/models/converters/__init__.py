"""Weights of Mask2Former, brought to OAFormer's names.

Pure functions on names and tensors; ``tools/model_converters`` has the files.
"""

from .class_embedding import (
    class_names,
    coco_classes,
    count_classes,
    matching_classes,
    take_class_rows,
)
from .conversion import Conversion, ConversionError, name_some
from .mask2former import convert_mask2former
from .original_release import convert_original_release, with_mmdetection_names

__all__ = [
    'Conversion',
    'ConversionError',
    'class_names',
    'coco_classes',
    'convert_mask2former',
    'convert_original_release',
    'count_classes',
    'matching_classes',
    'name_some',
    'take_class_rows',
    'with_mmdetection_names',
]
