"""OAFormer for MMDetection: amodal instance segmentation.

Importing the package registers everything in MMDetection's registries; configs do
so with ``custom_imports = dict(imports=['oaformer'])``.
"""

from . import datasets, engine, evaluation, models, structures, visualization

__version__ = '0.1.0'

__all__ = [
    'datasets',
    'engine',
    'evaluation',
    'models',
    'structures',
    'visualization',
]
