"""Weights of Mask2Former under OAFormer's names.

But for reading the files, pure functions on names and tensors.
"""

from .class_embedding import (
    checked_class_names,
    coco_classes,
    count_classes,
    matching_classes,
    take_class_rows,
)
from .conversion import Conversion, ConversionError, name_some
from .mask2former import convert_mask2former
from .original_release import convert_original_release, with_mmdetection_names
from .pretrained_weights import PretrainedWeights, load_pretrained_weights

__all__ = [
    'Conversion',
    'ConversionError',
    'PretrainedWeights',
    'checked_class_names',
    'coco_classes',
    'convert_mask2former',
    'convert_original_release',
    'count_classes',
    'load_pretrained_weights',
    'matching_classes',
    'name_some',
    'take_class_rows',
    'with_mmdetection_names',
]
