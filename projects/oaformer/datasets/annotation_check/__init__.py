"""Checking of annotation files in the schema, and corrected copies."""

from .check import AnnotationCheck, check_annotations
from .fix import Change, FixedAnnotations, fix_annotations
from .image_files import ImageFile, find_img_dir, read_image_files
from .problem import ERROR, KINDS, WARNING, Kind, Problem
from .statistics import Statistics

__all__ = [
    'ERROR',
    'KINDS',
    'WARNING',
    'AnnotationCheck',
    'Change',
    'FixedAnnotations',
    'Kind',
    'ImageFile',
    'Problem',
    'Statistics',
    'check_annotations',
    'find_img_dir',
    'fix_annotations',
    'read_image_files',
]
