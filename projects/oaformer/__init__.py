"""OAFormer for MMDetection: amodal instance segmentation.

Importing the package registers everything in MMDetection's registries; configs do
so with ``custom_imports = dict(imports=['oaformer'])``. Where MMCV was installed
without compiled operators, others are registered as well: see :mod:`oaformer.ops`.
"""

from .ops import register_operators

register_operators()  # the modules below import mmcv.ops

from . import (  # noqa: E402
    datasets,
    engine,
    evaluation,
    models,
    ops,
    structures,
    visualization,
)

__version__ = '0.1.0'

__all__ = [
    'datasets',
    'engine',
    'evaluation',
    'models',
    'ops',
    'structures',
    'visualization',
]
