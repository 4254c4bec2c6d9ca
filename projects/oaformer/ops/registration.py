"""Where ``mmcv.ops`` finds its operators: compiled ones, or those of this package.

``mmcv.ops`` reads its operators from the module ``mmcv._ext``, which has to be compiled
for one version of PyTorch. ``mmcv-lite`` comes without it, and then every import of
``mmdet.models`` fails. The operators of this package are registered under that name in
``sys.modules`` alone; no installed file changes.
"""

import importlib
import sys
import warnings

import torch  # noqa: F401  the compiled module links to torch's libraries

from . import mmcv_ext

_NAME = 'mmcv._ext'


def register_operators() -> None:
    """Register this package's operators if the compiled ones cannot be imported.

    Has to run before ``mmcv.ops`` is imported. Compiled operators that are installed
    but do not load, usually because PyTorch was changed after MMCV was built, are
    reported in a warning.

    Raises:
        ModuleNotFoundError: Without MMCV, or without something that it needs.
    """
    try:
        importlib.import_module(_NAME)
    except ImportError as error:
        if not isinstance(error, ModuleNotFoundError):
            warnings.warn(
                f"MMCV's compiled operators do not load: {error}. Slower ones take "
                'their place. Install an MMCV that was built for PyTorch '
                f'{torch.__version__}: see docs/install.md.',
                stacklevel=2,
            )
        elif error.name == 'mmcv':
            raise ModuleNotFoundError(
                "MMCV, MMEngine and MMDetection are missing: install oaformer's extra "
                'openmmlab or onedl (docs/install.md).',
                name='mmcv',
            ) from error
        elif error.name != _NAME:
            raise
        sys.modules[_NAME] = mmcv_ext


def has_compiled_operators() -> bool:
    """Whether ``mmcv.ops`` has the operators that were compiled with MMCV."""
    return sys.modules[_NAME] is not mmcv_ext
