"""Converters of public data sets and labelling tools to the annotation schema."""

from .bop import convert_bop
from .cocoa import convert_cocoa
from .conversion import check_outputs, convert_file, write_content
from .kins import convert_kins
from .uoais import convert_uoais

__all__ = [
    'check_outputs',
    'convert_bop',
    'convert_cocoa',
    'convert_file',
    'convert_kins',
    'convert_uoais',
    'write_content',
]
