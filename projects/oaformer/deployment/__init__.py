"""Models in ONNX. The export, which needs ``onnx``, is in :mod:`.onnx_export`."""

from .exportable import INPUT_NAMES, ExportableDetector, default_size, embedded_config

__all__ = ['INPUT_NAMES', 'ExportableDetector', 'default_size', 'embedded_config']
