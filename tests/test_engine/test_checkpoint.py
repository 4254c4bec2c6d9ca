import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader, Runner

from oaformer.engine import UnsafeCheckpointError, checkpoint


@pytest.fixture
def train(toy_config, tmp_path):
    """Train the toy and return its learning rates and losses and its runner."""

    def run(name, resume=None):
        cfg = Config.fromfile(toy_config)
        cfg.work_dir = str(tmp_path / name)
        cfg.experiment_name = f'{tmp_path.name}_{name}'
        cfg.load_from, cfg.resume = resume, resume is not None
        runner = Runner.from_cfg(cfg)
        runner.train()
        path = Path(runner.log_dir, 'vis_data', f'{runner.timestamp}.json')
        logs = [json.loads(line) for line in path.read_text().splitlines()]
        return [(log['lr'], log['loss']) for log in logs if 'loss' in log], runner

    return run


def test_resumed_run_equals_uninterrupted_run(train):
    whole, whole_runner = train('whole')
    middle = Path(whole_runner.work_dir, 'epoch_2.pth')
    rest, rest_runner = train('rest', resume=str(middle))

    assert len(whole) == 16
    assert rest == whole[8:]
    for mine, theirs in zip(
        rest_runner.model.parameters(), whole_runner.model.parameters(), strict=True
    ):
        assert torch.equal(mine, theirs)


def test_mmengine_loads_its_own_checkpoint(train):
    _, runner = train('own')
    path = Path(runner.work_dir, 'epoch_4.pth')
    loaded = CheckpointLoader.load_checkpoint(str(path), map_location='cpu')
    assert {'state_dict', 'optimizer', 'param_schedulers', 'message_hub'} <= set(loaded)
    history = loaded['message_hub']['log_scalars']['train/loss']
    assert isinstance(history, HistoryBuffer)
    assert len(history.data[0]) == 16


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='gone.pth'):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'gone.pth'))


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """Torch.hub's cache, so that nothing is downloaded."""
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    folder = tmp_path / 'checkpoints'
    folder.mkdir()
    return folder


def test_web_address_is_read_from_the_cache(cached):
    torch.save(dict(state_dict=dict(w=torch.ones(1))), cached / 'net.pth')
    loaded = CheckpointLoader.load_checkpoint('https://example.invalid/a/net.pth?v=1')
    assert loaded['state_dict']['w'].tolist() == [1]


def test_unsafe_web_file_names_address_and_cache(cached):
    torch.save(dict(bad=Path('x')), cached / 'net.pth')
    with pytest.raises(UnsafeCheckpointError, match='example.invalid') as caught:
        CheckpointLoader.load_checkpoint('https://example.invalid/net.pth')
    assert str(cached / 'net.pth') in str(caught.value)


def test_failed_download_says_what_to_do(cached):
    with pytest.raises(ConnectionError, match='FILE') as caught:
        CheckpointLoader.load_checkpoint('http://127.0.0.1:9/net.pth')
    assert str(cached / 'net.pth') in str(caught.value)
    assert list(cached.iterdir()) == []


def test_zoo_names_lead_to_addresses(cached):
    torch.save(dict(w=torch.ones(1)), cached / 'resnet50_msra-5891d200.pth')
    loaded = CheckpointLoader.load_checkpoint('open-mmlab://detectron2/resnet50_caffe')
    assert loaded['w'].tolist() == [1]
    with pytest.raises(KeyError, match='nothing_like_it'):
        CheckpointLoader.load_checkpoint('open-mmlab://nothing_like_it')


def test_mmcls_gives_the_backbone(cached, monkeypatch):
    url = 'https://example.invalid/net.pth'
    monkeypatch.setattr(checkpoint, 'get_mmcls_models', lambda: dict(net=url))
    torch.save(
        dict(state_dict={'backbone.w': torch.ones(1), 'head.w': torch.zeros(1)}),
        cached / 'net.pth',
    )
    loaded = CheckpointLoader.load_checkpoint('mmcls://net')
    assert list(loaded['state_dict']) == ['w']
