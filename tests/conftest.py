import os
import sys
from pathlib import Path

import matplotlib
import pytest
import torch
from mmengine.logging import MMLogger

REPO_ROOT = Path(__file__).resolve().parents[1]
# The tests and the tools they start use the package beside them, even if another
# copy is installed.
FOLDERS = [str(REPO_ROOT / name) for name in ('projects', 'tests', 'tests/toy_project')]
sys.path[:0] = FOLDERS
inherited = os.environ.get('PYTHONPATH', '').split(os.pathsep)
os.environ['PYTHONPATH'] = os.pathsep.join(filter(None, [*FOLDERS, *inherited]))

from browser import chromium_page  # noqa: E402, F401

matplotlib.use('Agg')


def pytest_addoption(parser):
    parser.addoption(
        '--slow', action='store_true', help='also run the tests marked slow'
    )


def pytest_configure(config):
    # As the runner does: a name without a scope is looked up in MMDetection first.
    from mmengine.registry import init_default_scope

    init_default_scope('mmdet')
    # The tensors here are small, and pytest-xdist has a process for every core.
    torch.set_num_threads(1 if 'PYTEST_XDIST_WORKER' in os.environ else 2)


def pytest_collection_modifyitems(config, items):
    if config.getoption('--slow'):
        return
    for item in items:
        if 'slow' in item.keywords:
            item.add_marker(pytest.mark.skip(reason='slow: runs only with --slow'))


@pytest.fixture(autouse=True)
def loggers():
    """Forget a test's loggers: models write to the file of the last one, if open."""
    known = set(MMLogger._instance_dict)
    yield
    for name in set(MMLogger._instance_dict) - known:
        for handler in MMLogger._instance_dict.pop(name).handlers:
            handler.close()


@pytest.fixture(scope='session')
def repo_root():
    return REPO_ROOT


@pytest.fixture
def toy_config():
    """The config of a run that takes a second: see tests/toy_project."""
    return REPO_ROOT / 'tests' / 'toy_project' / 'toy_config.py'


@pytest.fixture
def sample_data():
    """Folder of the real samples: d2sa_sample, cocoa_sample and others."""
    default = REPO_ROOT.parent / 'shared' / 'data'
    folder = Path(os.environ.get('OAFORMER_SAMPLE_DATA', default))
    if not (folder / 'd2sa_sample').is_dir():
        pytest.skip(f'no real samples in {folder}; set OAFORMER_SAMPLE_DATA')
    return folder


@pytest.fixture
def syntable_sample(sample_data):
    """Folder of the sample that comes with SynTable."""
    folder = sample_data / 'syntable_sample'
    if not folder.is_dir():
        pytest.skip(f'no sample of SynTable in {sample_data}')
    return folder
