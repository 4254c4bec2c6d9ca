import importlib.machinery
import importlib.util
import os
import zipfile
from pathlib import Path

import pytest

from oaformer.ops import has_compiled_operators

SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]


@pytest.fixture(scope='session')
def compiled(tmp_path_factory):
    """MMCV's compiled operators: the installed ones, or those of a wheel."""
    if has_compiled_operators():
        return importlib.import_module('mmcv._ext')
    default = Path(__file__).resolve().parents[3] / 'shared' / 'wheels'
    folder = Path(os.environ.get('OAFORMER_MMCV_WHEELS', default))
    for wheel in sorted(folder.glob('*mmcv-*.whl')):
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if '/_ext.' in name]
            if not any(name.endswith(SUFFIX) for name in names):
                continue
            path = archive.extract(names[0], tmp_path_factory.mktemp('mmcv'))
        spec = importlib.util.spec_from_file_location('compiled._ext', path)
        try:
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        except ImportError:  # built for another version of PyTorch
            continue
        return module
    pytest.skip(
        'no compiled operators: no wheel of mmcv for this Python and PyTorch in '
        f'{folder}; set OAFORMER_MMCV_WHEELS'
    )
