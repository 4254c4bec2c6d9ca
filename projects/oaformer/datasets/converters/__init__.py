"""Converters of public data sets to the package's annotation schema."""

from .cocoa import CocoaConversion, convert_cocoa
from .conversion import convert_file
from .kins import KINS_RELEASES, KinsConversion, KinsRelease, convert_kins

__all__ = [
    'KINS_RELEASES',
    'CocoaConversion',
    'KinsConversion',
    'KinsRelease',
    'convert_cocoa',
    'convert_file',
    'convert_kins',
]
