import json
import os
import random
import subprocess
import sys

import numpy as np
import pytest
import tiny_models
import torch
from mmdet.registry import DATASETS, METRICS, MODELS
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch.utils.data import Dataset

from oaformer.engine.validation_loss_hook import mean_losses

NUMBERS = (1.0, 2.0, 6.0)
# each loss is the mean over the images, not over batches of 2 and 1
KNOWN = {'val/loss_square': 41 / 3, 'val/loss_stages': 9.0, 'val/loss': 68 / 3}


@DATASETS.register_module()
class NumberDataset(Dataset):
    def __init__(self, pipeline=()):
        self.pipeline = Compose(pipeline)

    def __len__(self):
        return len(NUMBERS)

    def __getitem__(self, index):
        number = torch.tensor([NUMBERS[index]])
        return self.pipeline(dict(inputs=number, data_samples=number))


@MODELS.register_module()
class NumberModel(BaseModel):
    """Predicts ``weight * x``, from 0 on; the known losses are those at weight 0.

    The norm has buffers, the loss draws random numbers in training and validation.
    """

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.norm = torch.nn.BatchNorm1d(1)

    def forward(self, inputs, data_samples, mode='tensor'):
        x, y = torch.stack(inputs), torch.stack(data_samples)
        if mode != 'loss':
            return list(self.weight * x)
        noise = random.random() + np.random.rand() + torch.rand(())
        self.norm(x.repeat(2, 1))
        error = y - self.weight * x * noise
        return dict(loss_square=error.square().mean(), loss_stages=[error.mean()] * 3)


@METRICS.register_module()
class NumberMetric(BaseMetric):
    def process(self, data_batch, data_samples):
        self.results += data_samples

    def compute_metrics(self, results):
        return dict(count=len(results))


def config(tmp_path, hook=True, lr=0.01, **options):
    loader = dict(
        batch_size=2,
        num_workers=0,
        dataset=dict(type='NumberDataset', pipeline=[]),
        sampler=dict(type='DefaultSampler', shuffle=True),
    )
    cfg = Config(
        dict(
            default_scope='mmdet',
            work_dir=str(tmp_path),
            model=dict(type='NumberModel'),
            train_dataloader=loader,
            val_dataloader=dict(loader, sampler=dict(type='DefaultSampler')),
            val_evaluator=dict(type='NumberMetric'),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=lr)),
            train_cfg=dict(by_epoch=True, max_epochs=3, val_interval=1),
            val_cfg=dict(),
            default_hooks=dict(
                logger=dict(type='LoggerHook', interval=1),
                checkpoint=dict(type='CheckpointHook', save_best=None),
            ),
            visualizer=dict(
                type='Visualizer', vis_backends=[dict(type='LocalVisBackend')]
            ),
            randomness=dict(seed=3),
            log_level='ERROR',
            experiment_name=tmp_path.name,
        )
    )
    if hook:
        cfg.custom_hooks = [dict(type='ValidationLossHook', pipeline=[])]
    cfg.merge_from_dict(options)
    return cfg


def records(folder):
    (file,) = folder.glob('*/vis_data/scalars.json')
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_mean_over_images_is_known(tmp_path):
    metrics = Runner.from_cfg(config(tmp_path)).val()
    assert metrics == pytest.approx(dict(count=3, **KNOWN))


def test_training_is_the_same_without_it(tmp_path):
    runs = {}
    for hook in (True, False):
        folder = tmp_path / f'hook_{hook}'
        runner = Runner.from_cfg(config(folder, hook=hook))
        runner.train()
        losses = [entry['loss'] for entry in records(folder) if 'loss' in entry]
        runs[hook] = losses, runner.model.state_dict(), random.random()
        assert ('val/loss' in records(folder)[-1]) == hook
    (losses, state, draw), (other_losses, other_state, other_draw) = runs.values()
    assert len(losses) == 6
    assert (losses, draw) == (other_losses, other_draw)
    for name, value in state.items():
        assert torch.equal(value, other_state[name]), name


def test_log_and_best_checkpoint(tmp_path):
    """The log has this validation's loss, not a mean of several."""
    options = {'default_hooks.checkpoint.save_best': 'val/loss'}
    runner = Runner.from_cfg(config(tmp_path, **options))
    runner.train()
    logged = [entry for entry in records(tmp_path) if 'val/loss' in entry]
    last = runner.val()
    assert [logged[-1][name] for name in KNOWN] == [last[name] for name in KNOWN]
    losses = [entry['val/loss'] for entry in logged]
    assert len(losses) == 3
    epoch = 1 + losses.index(min(losses))
    assert (tmp_path / f'best_val_loss_epoch_{epoch}.pth').is_file()


def test_tensorboard_has_both_losses(tmp_path):
    pytest.importorskip('tensorboard', reason='the extra tensorboard is not installed')
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    options = {
        'visualizer.vis_backends.0.type': 'TensorboardVisBackend',
        'default_hooks.logger.log_metric_by_epoch': False,
    }
    Runner.from_cfg(config(tmp_path, lr=0.0, **options)).train()
    (folder,) = tmp_path.glob('*/vis_data')
    events = EventAccumulator(str(folder)).Reload()
    assert [event.step for event in events.Scalars('loss')] == [1, 2, 3, 4, 5, 6]
    # after each epoch of two iterations, on the same axis
    assert [event.step for event in events.Scalars('val/loss')] == [2, 4, 6]
    for name, value in KNOWN.items():
        found = [event.value for event in events.Scalars(name)]
        assert found == pytest.approx([value] * 3)


def test_missing_pipeline_is_an_error_before_training(tmp_path):
    cfg = config(tmp_path)
    del cfg.val_dataloader.dataset.pipeline
    with pytest.raises(ValueError, match='NumberDataset.*has no pipeline'):
        Runner.from_cfg(cfg).train()


def test_masks_of_another_size_are_named():
    (sample,) = tiny_models.samples((1,))
    sample.set_metainfo(dict(img_shape=(32, 48)))
    batch = dict(inputs=[torch.zeros(3, 32, 48)], data_samples=[sample])

    class Loader(list):
        dataset = (sample,)

    with pytest.raises(ValueError, match='image.png.*LoadAmodalAnnotations'):
        mean_losses(tiny_models.oaformer().eval(), Loader([batch]))


TWO_PROCESSES = """
import json, os, sys
import tiny_models, torch
from mmengine.dataset import DefaultSampler, pseudo_collate
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader
from oaformer.engine.validation_loss_hook import mean_losses

init_default_scope('mmdet')
torch.set_num_threads(1)
if int(os.environ['WORLD_SIZE']) > 1:
    torch.distributed.init_process_group('gloo')
samples = tiny_models.samples((3, 0, 5))
data = [
    dict(inputs=(255 * torch.rand(3, *tiny_models.SIZE)).byte(), data_samples=sample)
    for sample in samples
]
sampler = DefaultSampler(data, shuffle=False)
loader = DataLoader(data, sampler=sampler, collate_fn=pseudo_collate)
losses = mean_losses(tiny_models.oaformer().eval(), loader)
if int(os.environ['RANK']) == 0:
    print(json.dumps(losses))
if torch.distributed.is_initialized():
    torch.distributed.barrier()
sys.stdout.flush()
os._exit(0)
"""


@pytest.mark.slow
def test_two_processes_average_as_one(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text('import torch; torch.manual_seed(0)\n' + TWO_PROCESSES)
    found = {}
    for processes in (1, 2):
        result = subprocess.run(
            [sys.executable, '-m', 'torch.distributed.run', '--standalone']
            + ['--nproc-per-node', str(processes), str(script)],
            env={**os.environ, 'CUDA_VISIBLE_DEVICES': '-1'},
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stderr[-3000:]
        found[processes] = json.loads(result.stdout.splitlines()[-1])
    assert found[1]['loss'] > 0
    assert found[2] == pytest.approx(found[1], rel=1e-9)
