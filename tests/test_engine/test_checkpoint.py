import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader, Runner
from mmengine.runner import checkpoint as stock

from oaformer.engine import UnsafeCheckpointError, checkpoint, register_safe_loaders


@pytest.fixture(autouse=True)
def stock_loaders(monkeypatch):
    """MMEngine's loader of files at first, and the same loaders as before at last."""
    loaders = {**CheckpointLoader._schemes, '': stock.load_from_local}
    monkeypatch.setattr(CheckpointLoader, '_schemes', loaders)


def toy_runner(toy_config, tmp_path, **options):
    cfg = Config.fromfile(toy_config)
    cfg.update(work_dir=str(tmp_path), experiment_name=tmp_path.name, **options)
    return Runner.from_cfg(cfg)


IMPORT = """
import logging, os, random, sys, warnings
from unittest.mock import MagicMock
import torch
try:
    import mmcv._ext
except ModuleNotFoundError:  # mmdet.apis asks for operators
    sys.modules['mmcv._ext'] = MagicMock()
import mmdet.apis, numpy, scipy.special, torch.hub
from mmengine.runner import CheckpointLoader

def state():
    found = {
        (module, name): value
        for module, content in list(sys.modules.items())
        if module.partition('.')[0] in ('mmengine', 'mmdet', 'mmcv', 'torch', 'numpy')
        for name, value in list(vars(content).items())
    }
    return found, dict(
        loaders=dict(CheckpointLoader._schemes),
        environ=dict(os.environ),
        path=list(sys.path),
        warnings=list(warnings.filters),
        logging=(logging.root.level, list(logging.root.handlers)),
        random=(random.getstate(), numpy.random.get_state()[1].tolist()),
        torch=(torch.get_rng_state().tolist(), torch.get_num_threads()),
    )

names, values = state()
import oaformer
new_names, new_values = state()
replaced = [key for key in names if new_names[key] is not names[key]]
replaced += [key for key in values if new_values[key] != values[key]]
assert not replaced, replaced
"""


def test_importing_the_package_replaces_nothing():
    command = [sys.executable, '-c', IMPORT]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.fixture
def trained(toy_config, tmp_path):
    """Checkpoint of a run, which holds more than tensors, and an unsafe one."""
    toy_runner(toy_config, tmp_path / 'trained').train()
    path = tmp_path / 'trained' / 'epoch_4.pth'
    unsafe = torch.load(path, weights_only=False)
    unsafe['meta']['file'] = path
    torch.save(unsafe, tmp_path / 'unsafe.pth')
    return str(path), str(tmp_path / 'unsafe.pth')


def test_a_run_reads_checkpoints_safely(trained, toy_config, repo_root, tmp_path):
    """As MMDetection's own tools start it, with our default runtime."""
    runtime = Config.fromfile(repo_root / 'configs' / '_base_' / 'default_runtime.py')
    hooks = runtime.default_hooks
    hooks.checkpoint = None
    safe, unsafe = (
        toy_runner(toy_config, tmp_path / name, default_hooks=hooks, load_from=path)
        for name, path in zip(('safe', 'unsafe'), trained, strict=True)
    )
    assert safe.test()['toy/count'] == 7
    with pytest.raises(UnsafeCheckpointError, match='PosixPath'):
        unsafe.test()

    loaded = CheckpointLoader.load_checkpoint(trained[0], map_location='cpu')
    assert {'state_dict', 'optimizer', 'param_schedulers', 'message_hub'} <= set(loaded)
    history = loaded['message_hub']['log_scalars']['train/loss']
    assert isinstance(history, HistoryBuffer)
    assert len(history.data[0]) == 16


@pytest.fixture
def cached(tmp_path, monkeypatch, stock_loaders):
    """Torch.hub's cache, so that nothing is downloaded."""
    register_safe_loaders()
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    folder = tmp_path / 'checkpoints'
    folder.mkdir()
    return folder


def test_web_address_is_read_from_the_cache(cached):
    torch.save(dict(state_dict=dict(w=torch.ones(1))), cached / 'net.pth')
    loaded = CheckpointLoader.load_checkpoint('https://example.invalid/a/net.pth?v=1')
    assert loaded['state_dict']['w'].tolist() == [1]
    torch.save(dict(bad=Path('x')), cached / 'net.pth')
    with pytest.raises(UnsafeCheckpointError, match='example.invalid') as caught:
        CheckpointLoader.load_checkpoint('https://example.invalid/net.pth')
    assert str(cached / 'net.pth') in str(caught.value)


def test_failed_download_says_what_to_do(cached):
    with pytest.raises(ConnectionError, match='FILE') as caught:
        CheckpointLoader.load_checkpoint('http://127.0.0.1:9/net.pth')
    assert str(cached / 'net.pth') in str(caught.value)
    assert list(cached.iterdir()) == []


@pytest.mark.parametrize(
    ('name', 'list_models'),
    [
        ('open-mmlab://net', 'get_external_models'),
        ('torchvision://net', 'get_torchvision_models'),
        ('mmcls://net', 'get_mmcls_models'),
    ],
)
def test_zoo_names_lead_to_addresses(cached, monkeypatch, name, list_models):
    url = 'https://example.invalid/net.pth'
    monkeypatch.setattr(checkpoint, list_models, lambda: dict(net=url))
    weights = {'backbone.w': torch.ones(1), 'head.w': torch.zeros(1)}
    torch.save(dict(state_dict=weights), cached / 'net.pth')
    loaded = CheckpointLoader.load_checkpoint(name)['state_dict']
    # of a classifier only the backbone is taken
    assert set(loaded) == ({'w'} if name.startswith('mmcls') else set(weights))
    with pytest.raises(KeyError, match='absent'):
        CheckpointLoader.load_checkpoint(name.replace('net', 'absent'))
