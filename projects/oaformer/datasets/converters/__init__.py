"""Converters of public data sets and labelling tools to the annotation schema."""

from .cocoa import convert_cocoa
from .conversion import convert_file
from .kins import convert_kins
from .uoais import convert_uoais

__all__ = ['convert_cocoa', 'convert_file', 'convert_kins', 'convert_uoais']
