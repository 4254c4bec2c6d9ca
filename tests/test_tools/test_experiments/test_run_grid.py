import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest


def wait_for(grid, run, name):
    end = time.monotonic() + 60
    while not list(grid.work_dir.glob(f'{run}/seed-0_*/{name}')):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_trains_tests_and_writes_the_table(grid):
    grid.add_run('b', 0.5, seeds=(1, 0))
    grid.add_run('a', 0.7)
    assert grid.run('--threads', '3', '--table', str(grid.table)) == 0
    # all first seeds come before second ones
    assert grid.trace() == [
        line
        for run in ('b seed-1', 'a seed-0', 'b seed-0')
        for line in (f'train {run} 0 3', f'trained {run}', f'test {run}')
    ]
    record = grid.records()[0]
    assert (record['run'], record['seed']) == ('b', 1)
    assert record['options'] == {'model.quality': 0.5}
    assert record['test'] == {'amodal/segm_mAP': 0.51}
    assert record['train_minutes'] == 1.5
    assert 'threads of a run: 3, runs at a time: 1; torch' in record['made_with']
    lines = grid.table.read_text().splitlines()
    assert lines[0] == 'Before.' and lines[-1] == 'After.'
    # 0.50 and 0.51: mean 50.5, deviation 1 / sqrt(2)
    assert '| row of b | 50.5 ± 0.7 | 2 |' in lines
    assert '| row of a | 70.0 | 1 seed |' in lines
    assert 'old' not in lines
    checkpoints = grid.work_dir.glob('a/seed-0_*/*.pth')
    assert [path.name for path in checkpoints] == ['epoch_3.pth']


def test_a_second_start_runs_nothing(grid, capsys):
    grid.add_run('one', 0.5)
    assert grid.run() == 0
    done = grid.trace()
    grid.annotations.touch()
    grid.runs['renamed'] = grid.runs.pop('one')
    assert grid.run() == 0
    assert grid.trace() == done
    # without --table the tables are printed
    assert '| row of renamed | 50.0 | 1 seed |' in capsys.readouterr().out


@pytest.mark.parametrize('changed', ['options', 'config', 'annotations', 'test'])
def test_another_config_or_other_annotations_are_another_run(grid, changed):
    grid.add_run('one', 0.5)
    assert grid.run() == 0
    if changed == 'options':
        grid.add_run('one', 0.6)
    elif changed == 'annotations':
        grid.annotations.write_text('{"images": []}')
    else:
        line = dict(config='custom_hooks = [1]\n', test='test_cfg = dict(a=1)\n')
        grid.config.write_text(grid.config.read_text() + line[changed])
    assert grid.run() == 0
    # what only changes the test is only tested again
    again = ['test'] if changed == 'test' else ['train', 'trained', 'test']
    assert [line.split()[0] for line in grid.trace()[3:]] == again
    assert len(grid.records()) == 2


@pytest.fixture
def interruptible():
    """A shell starts processes in the background such that they ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures('interruptible')
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_interrupted_and_resumed(grid, monkeypatch, number):
    # long enough for a busy machine; nothing waits for its end
    monkeypatch.setenv('TOY_SECONDS', '20')
    grid.add_run('one', 0.5)

    def interrupt():
        wait_for(grid, 'one', 'epoch_1.pth')
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    assert grid.run() == 130
    thread.join()
    assert grid.trace() == ['train one seed-0 0 1'] and grid.records() == []
    # as if it had been killed while it wrote the second checkpoint and the log
    folder = grid.run_folder('one')
    (folder / 'epoch_2.pth').write_text('half a checkpo')
    (log,) = folder.glob('*/vis_data/scalars.json')
    log.write_text(log.read_text() + '{"time": 3')
    monkeypatch.setenv('TOY_SECONDS', '0')
    assert grid.run() == 0
    assert grid.trace()[1:] == [
        'train one seed-0 1 1',
        'trained one seed-0',
        'test one seed-0',
    ]
    # the three epochs, each once
    assert grid.records()[0]['train_minutes'] == 1.5


def test_a_training_that_outlives_a_killed_runner_is_not_started_twice(
    grid, monkeypatch, capsys
):
    monkeypatch.setenv('TOY_SECONDS', '1')
    grid.add_run('one', 0.5)
    code = 'import sys, run_grid; from pathlib import Path as P\n'
    code += f'run_grid.main(sys.argv[1:], P({str(grid.tools)!r}))'
    path = os.pathsep.join(sys.path)
    runner = subprocess.Popen(
        [sys.executable, '-c', code, *grid.arguments()],
        env={**os.environ, 'PYTHONPATH': path},
        stdout=subprocess.DEVNULL,
    )
    wait_for(grid, 'one', 'epoch_1.pth')
    runner.kill()
    runner.wait()
    assert grid.run() == 2
    assert 'still at work' in capsys.readouterr().err
    wait_for(grid, 'one', 'epoch_3.pth')
    time.sleep(0.5)
    assert grid.run() == 0
    assert grid.trace() == [
        'train one seed-0 0 1',
        'trained one seed-0',
        'test one seed-0',
    ]


def test_two_jobs_at_a_time(grid, monkeypatch):
    monkeypatch.setenv('TOY_SECONDS', '0.2')
    for name, quality in dict(a=0.1, b=0.2, c=0.3).items():
        grid.add_run(name, quality)
    assert grid.run('--jobs', '2') == 0
    trace = [line[:7] for line in grid.trace() if line.startswith('train')]
    # two at once, the third when one of them has ended
    assert set(trace[:2]) == {'train a', 'train b'}
    assert trace.index('train c') >= 3
    assert len(grid.records()) == 3


def test_time_limit(grid, monkeypatch, capsys):
    monkeypatch.setenv('TOY_SECONDS', '45')
    grid.add_run('a', 0.1)
    grid.add_run('b', 0.2)
    start = time.monotonic()
    assert grid.run('--time-limit', '0.02') == 3
    # the training alone would take 90 seconds
    assert time.monotonic() - start < 60
    assert not any(' b ' in line for line in grid.trace())
    assert '0 runs done, 0 failed, 2 left.' in capsys.readouterr().out


def test_failure_is_named_and_the_others_go_on(grid, monkeypatch, capsys):
    grid.add_run('a', 0.1)
    grid.add_run('b', 0.2)
    monkeypatch.setenv('TOY_FAILS', 'a')
    assert grid.run() == 1
    out = capsys.readouterr().out
    assert 'a seed 0 FAILED: RuntimeError: exit status 1' in out
    assert 'the loss is NaN' in out
    assert [record['run'] for record in grid.records()] == ['b']
    monkeypatch.delenv('TOY_FAILS')
    assert grid.run() == 0
    assert [record['run'] for record in grid.records()] == ['b', 'a']


def test_dry_run_and_chosen_runs(grid, capsys):
    for name, quality in dict(a=0.1, b=0.2).items():
        grid.add_run(name, quality, seeds=(0, 1))
    assert grid.run('--runs', 'b') == 0
    done = grid.trace()
    assert len(grid.records()) == 2
    folder = grid.run_folder('b')
    (folder / 'epoch_3.pth').rename(folder / 'epoch_1.pth')
    (grid.folder / 'results.json').unlink()
    capsys.readouterr()
    assert grid.run('--dry-run') == 0
    assert capsys.readouterr().out.splitlines() == [
        '4 runs, 0 with results.',
        'a seed 0: to be trained, from epoch 0 of 3',
        'b seed 0: to be trained, from epoch 1 of 3',
        'a seed 1: to be trained, from epoch 0 of 3',
        'b seed 1: trained, to be tested',
    ]
    assert grid.run('--runs', 'c') == 2
    assert '--runs c: not in' in capsys.readouterr().err
    assert grid.trace() == done


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (lambda grid: grid.runs['one'].update(config='no.py'), 'one seed 0: no.py: '),
        (lambda grid: grid.add_run('two', 0.5), 'two seed 0 is the same as one seed'),
        (lambda grid: grid.columns['AP'].update(key='amodal/AP'), "'amodal/AP' not f"),
        (lambda grid: grid.annotations.unlink(), 'train.json not found'),
        (lambda grid: grid.table.write_text('no markers'), 'grid:toy begin'),
        (lambda grid: grid.table.unlink(), 'results.md not found'),
    ],
)
def test_errors_before_anything_is_run(grid, capsys, change, words):
    grid.add_run('one', 0.5)
    change(grid)
    assert grid.run('--table', str(grid.table)) == 2
    assert re.search(words, capsys.readouterr().err)
    assert grid.trace() == []
