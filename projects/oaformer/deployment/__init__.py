"""Models in ONNX, for runtimes without PyTorch.

Imports the models; APIs and tools import it. The export itself, which needs the
``onnx`` package, is in :mod:`.onnx_export`.
"""

from .embedded_config import default_size, embedded_config
from .exportable import INPUT_NAMES, ExportableDetector

__all__ = [
    'INPUT_NAMES',
    'ExportableDetector',
    'default_size',
    'embedded_config',
]
