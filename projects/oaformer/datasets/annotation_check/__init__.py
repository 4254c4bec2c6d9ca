"""Checking of annotation files in the schema."""

from .check import check_annotations
from .image_files import ImageFile, find_img_dir, read_image_files
from .statistics import Statistics

__all__ = [
    'ImageFile',
    'Statistics',
    'check_annotations',
    'find_img_dir',
    'read_image_files',
]
