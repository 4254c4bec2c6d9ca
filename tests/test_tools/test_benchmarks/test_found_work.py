import os
import subprocess
import sys

import pytest
from grid_case import REPO_ROOT


def start_by_hand(grid, name, seed, seconds='0'):
    """Begin a training as somebody would who doesn't know the tool."""
    command = [sys.executable, str(REPO_ROOT / 'tests' / 'toy_grid' / 'train.py')]
    command += [grid.runs[name]['config'], '--work-dir']
    command += [str(grid.work_dir / name / f'seed-{seed}')]
    command += ['--cfg-options', f'randomness.seed={seed}']
    environ = dict(os.environ, TOY_SECONDS=seconds, OMP_NUM_THREADS='1')
    return subprocess.Popen(command, env=environ)


def test_training_by_hand_is_picked_up(one):
    assert start_by_hand(one, 'one', 0).wait() == 0
    assert one.run() == 0
    assert one.trace()[2:] == ['test one 0']
    (record,) = one.records()
    assert record['picked_up'] is True


def test_training_by_hand_with_other_settings_is_set_aside(one, capsys):
    assert start_by_hand(one, 'one', 0).wait() == 0
    one.add_run('one', quality=0.6)
    assert one.run() == 0
    assert 'changed since it was trained (model)' in capsys.readouterr().out
    assert one.trace()[2:] == ['train one 0 1', 'trained one 0', 'test one 0']


def test_training_at_work_is_left_alone(one, capsys, in_background):
    process = start_by_hand(one, 'one', 0, seconds='60')
    try:
        start = one.work_dir / 'one' / 'seed-0'
        waiting = in_background(lambda: list(start.glob('2*')), lambda: None)
        waiting.join()
        assert one.run() == 1
        out = capsys.readouterr().out
        assert f'process {process.pid} is working in {start}' in out
        assert one.run('--dry-run') == 0
        assert (
            f'one seed 0: process {process.pid} is at work' in capsys.readouterr().out
        )
    finally:
        process.kill()
        process.wait()


def test_dry_run_changes_nothing(grid, capsys):
    grid.add_run('a')
    grid.add_run('b', quality=0.9, seeds=(0, 1))
    start_by_hand(grid, 'b', 1).wait()
    assert grid.run('--dry-run') == 0
    out = capsys.readouterr().out
    assert '3 runs, 0 with results.' in out
    assert 'a seed 0: to be trained, from epoch 0 of 3' in out
    assert 'b seed 1: trained, to be tested' in out
    assert grid.trace() == ['train b 1 1', 'trained b 1']
    assert not (grid.work_dir / 'b' / 'seed-1' / 'grid.json').exists()


TOY_IMAGES = """
from mmdet.registry import MODELS
from toy import ToyModel


@MODELS.register_module()
class ToyImages(ToyModel):
    def forward(self, inputs, data_samples, mode='tensor'):
        results = super().forward(inputs, data_samples, mode)
        if mode == 'predict':
            for result in results:
                result.update(img_id=0, pred_instances={})
        return results
"""


@pytest.mark.slow
def test_real_tools(grid, toy_config, monkeypatch):
    (grid.folder / 'toy_images.py').write_text(TOY_IMAGES)
    config = grid.folder / 'config.py'
    config.write_text(
        f'_base_ = {str(toy_config)!r}\n'
        "model = dict(type='ToyImages')\n"
        "custom_imports = dict(imports=['oaformer.engine', 'toy', 'toy_images'])\n"
    )
    monkeypatch.setenv('PYTHONPATH', f'{toy_config.parent}{os.pathsep}{grid.folder}')
    grid.runs = dict(line=dict(config=str(config), seeds=[0]))
    assert grid.run(tools=REPO_ROOT / 'tools') == 0
    (whole,) = grid.records()
    assert set(whole['test']) == {'toy/error', 'toy/count'}
    assert whole['test_images'] == 7
    assert whole['train_minutes'] > 0
    # The toy validates after every second of 4 epochs.
    assert set(whole['val']) == {'toy/error', 'toy/count'}

    folder = grid.work_dir / 'line' / 'seed-0'
    again = grid.work_dir / 'again' / 'seed-0'
    grid.results.unlink()
    folder.rename(folder.with_name('moved'))
    command = [sys.executable, str(REPO_ROOT / 'tools' / 'train.py'), str(config)]
    command += ['--work-dir', str(again), '--cfg-options', 'randomness.seed=0']
    assert subprocess.call(command, stderr=subprocess.DEVNULL) == 0
    # As if it had been stopped after epoch 2, and then moved.
    for epoch in (3, 4):
        (again / f'epoch_{epoch}.pth').unlink()
    (again / 'last_checkpoint').write_text(str(again / 'epoch_2.pth'))
    again.rename(folder)
    assert grid.run(tools=REPO_ROOT / 'tools') == 0
    (resumed,) = grid.records()
    assert resumed['test'] == whole['test']
    assert resumed['val'] == whole['val']
    assert resumed['picked_up']
    starts = sorted(folder.glob('2*/vis_data/scalars.json'))
    assert len(starts) == 2
    assert '"epoch": 3' in starts[1].read_text()
    assert '"epoch": 2' not in starts[1].read_text()
