import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import Dataset

from oaformer.engine import iteration_seed_hook
from oaformer.engine.iteration_seed_hook import IterationSeedHook, seed_iteration


def draw():
    return random.random(), np.random.rand(), torch.rand(()).item()


def test_draws_depend_on_the_key_alone():
    keys = [(0, 0, 0, 0), (0, 0, 0, 1), (0, 0, 1, 0), (0, 1, 0, 0), (1, 0, 0, 0)]
    draws = []
    for key in keys * 2:
        seed_iteration(*key)
        draws.append(draw())
        draw()
    assert draws[:5] == draws[5:]
    for column in zip(*draws, strict=True):
        assert len(set(column)) == 5


def test_processes_draw_different_numbers(monkeypatch):
    draws = set()
    for rank in range(3):
        monkeypatch.setattr(iteration_seed_hook, 'get_rank', lambda rank=rank: rank)
        IterationSeedHook().before_train_iter(SimpleNamespace(seed=0, iter=5), 0)
        draws.add(draw())
    assert len(draws) == 3


@DATASETS.register_module()
class DrawingDataset(Dataset):
    """Its augmentation draws from each source of random numbers."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return dict(inputs=torch.tensor([sum(draw())]), data_samples=torch.zeros(1))


class Recorder(Hook):
    """Keeps what each epoch was trained on, with the losses."""

    def __init__(self):
        self.epochs = {}

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        seen = [x.item() for x in data_batch['inputs']], outputs['loss'].item()
        self.epochs.setdefault(runner.epoch, []).append(seen)


@pytest.fixture
def train(toy_config, tmp_path):
    """Train the toy on drawn numbers; return what each epoch saw, and the model."""

    def run(name, persistent=False, workers=1, **options):
        cfg = Config.fromfile(toy_config)
        cfg.work_dir = str(tmp_path / name)
        cfg.experiment_name = f'{tmp_path.name}_{name}'
        cfg.train_dataloader.update(
            dataset=dict(type='DrawingDataset'),
            num_workers=workers,
            persistent_workers=persistent,
        )
        cfg.train_cfg.max_epochs = 3
        cfg.update(options)
        runner, recorder = Runner.from_cfg(cfg), Recorder()
        runner.register_hook(recorder)
        runner.train()
        return recorder.epochs, runner.model.state_dict()

    return run


@pytest.mark.parametrize('persistent', [False, True])
def test_augmentations_differ_between_epochs(train, persistent):
    epochs, _ = train('run', persistent)
    inputs = [x for epoch in epochs.values() for batch, _ in epoch for x in batch]
    assert len(inputs) == len(set(inputs)) == 18


@pytest.mark.parametrize('workers', [0, 2])
def test_resumed_run_equals_uninterrupted_run(train, tmp_path, workers):
    whole, model = train('whole', workers=workers)
    middle = tmp_path / 'whole' / 'epoch_1.pth'
    # validation after epoch 2 draws numbers, too
    rest, resumed = train('rest', workers=workers, resume=True, load_from=str(middle))
    assert rest == {epoch: whole[epoch] for epoch in (1, 2)}
    for name, value in model.items():
        assert torch.equal(value, resumed[name])
