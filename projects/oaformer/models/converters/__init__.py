"""Weights of Mask2Former and Mask R-CNN under the names of our models.

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
from .mask_rcnn import convert_mask_rcnn, with_branch_names
from .original_release import convert_original_release, with_mmdetection_names
from .pretrained_weights import PretrainedWeights, load_pretrained_weights

__all__ = [
    'Conversion',
    'ConversionError',
    'PretrainedWeights',
    'checked_class_names',
    'coco_classes',
    'convert_mask2former',
    'convert_mask_rcnn',
    'convert_original_release',
    'count_classes',
    'load_pretrained_weights',
    'matching_classes',
    'name_some',
    'take_class_rows',
    'with_branch_names',
    'with_mmdetection_names',
]
