"""MMCV's operators where MMCV was installed without its compiled ones."""

from .registration import has_compiled_operators, register_operators

__all__ = ['has_compiled_operators', 'register_operators']
