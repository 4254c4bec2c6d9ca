"""Models in ONNX, for runtimes without PyTorch.

On top of the models; the APIs and the tools use it. Exporting itself, which needs the
``onnx`` package, is in :mod:`.onnx_export`.
"""

from .embedded_config import default_size, embedded_config
from .exportable import INPUT_NAMES, ExportableOAFormer, as_output, named_tensors

__all__ = [
    'INPUT_NAMES',
    'ExportableOAFormer',
    'as_output',
    'default_size',
    'embedded_config',
    'named_tensors',
]
