"""Converters of public data sets to the package's annotation schema."""

from .cocoa import CocoaConversion, convert_cocoa

__all__ = ['CocoaConversion', 'convert_cocoa']
