import fcntl
import os
import signal
import sys
import time

import pytest


def test_runs_in_order_and_records(grid):
    grid.add_run('b', quality=0.5, seeds=(1, 0))
    grid.add_run('a', quality=0.7)
    assert grid.run('--threads', '3', '--table', str(grid.table)) == 0
    assert grid.trace() == [
        line
        for run, seed in (('b', 1), ('b', 0), ('a', 0))
        for line in (
            f'train {run} {seed} 3',
            f'trained {run} {seed}',
            f'test {run} {seed}',
        )
    ]
    record = grid.records()[0]
    assert (record['run'], record['seed']) == ('b', 1)
    assert record['config'] == grid.runs['b']['config']
    assert record['test'] == {'toy/AP': 0.51}
    assert record['val'] == {'toy/val': 3}
    assert record['train_minutes'] == 1.5
    assert record['test_images'] == 5
    assert record['environment']['threads'] == 3
    assert 'picked_up' not in record
    lines = grid.table.read_text().splitlines()
    assert lines[0] == 'Before.' and lines[-1] == 'After.'
    # 0.50 and 0.51: mean 50.5, deviation 1 / sqrt(2)
    assert '| row of b | 50.5 ± 0.7 | 2 |' in lines
    assert '| row of a | 70.0 | 1 seed |' in lines


def test_second_start_runs_nothing(one, capsys):
    assert one.run() == 0
    done = one.trace()
    assert one.run() == 0
    assert one.trace() == done
    # without --table the tables are printed
    assert '| row of one | 50.0 | 1 seed |' in capsys.readouterr().out


def test_chosen_runs_and_seeds(grid):
    for name in 'abc':
        grid.add_run(name, quality=ord(name) / 200, seeds=(0, 1))
    assert grid.run('--runs', 'c', 'a', '--seeds', '1') == 0
    started = [line for line in grid.trace() if line.startswith('train ')]
    assert started == ['train c 1 1', 'train a 1 1']


def test_jobs_at_a_time(grid, monkeypatch):
    monkeypatch.setenv('TOY_SECONDS', '0.1')
    for name in 'abc':
        grid.add_run(name, quality=ord(name) / 200)
    assert grid.run('--jobs', '2') == 0
    trace = [line for line in grid.trace() if line.startswith('train')]
    # Two at once, the third when one of them has ended.
    assert {line[:7] for line in trace[:2]} == {'train a', 'train b'}
    assert trace.index('train c 0 1') >= 3
    assert len(grid.records()) == 3


def test_interrupted_and_resumed(one, monkeypatch, in_background):
    monkeypatch.setenv('TOY_SECONDS', '0.5')
    first = one.work_dir / 'one' / 'seed-0' / 'epoch_1.pth'
    interruption = in_background(
        first.exists, lambda: os.kill(os.getpid(), signal.SIGTERM)
    )
    before = signal.getsignal(signal.SIGTERM)
    assert one.run() == 130
    interruption.join()
    assert signal.getsignal(signal.SIGTERM) is before
    assert one.trace() == ['train one 0 1']
    assert one.records() == []
    monkeypatch.setenv('TOY_SECONDS', '0')
    assert one.run() == 0
    # The epochs of both parts, each once.
    (record,) = one.records()
    assert record['train_minutes'] == 1.5
    assert 'picked_up' not in record
    assert one.trace()[1:] == ['train one 0 1', 'trained one 0', 'test one 0']
    starts = list((one.work_dir / 'one' / 'seed-0').glob('2*/vis_data/scalars.json'))
    assert len(starts) == 2


def test_time_limit(grid, monkeypatch):
    monkeypatch.setenv('TOY_SECONDS', '30')
    grid.add_run('a')
    grid.add_run('b', quality=0.9)
    start = time.monotonic()
    assert grid.run('--time-limit', '0.02') == 3
    # The training alone would take 90 seconds.
    assert time.monotonic() - start < 60
    assert [line for line in grid.trace() if 'b' in line] == []


def test_time_is_over_whatever_failed_before(grid, monkeypatch):
    monkeypatch.setenv('TOY_FAILS', 'a')
    monkeypatch.setenv('TOY_SECONDS', '30')
    grid.add_run('a')
    grid.add_run('b', quality=0.9)
    assert grid.run('--time-limit', '0.03') == 3


def test_failure_is_named_and_others_go_on(grid, monkeypatch, capsys):
    monkeypatch.setenv('TOY_FAILS', 'a')
    grid.add_run('a')
    grid.add_run('b', quality=0.9)
    assert grid.run() == 1
    out = capsys.readouterr().out
    assert 'a seed 0 FAILED: exit status 1' in out
    assert 'the loss is NaN' in out
    assert 'Failed: a seed 0.' in out
    assert [record['run'] for record in grid.records()] == ['b']
    monkeypatch.delenv('TOY_FAILS')
    assert grid.run() == 0
    assert [record['run'] for record in grid.records()] == ['b', 'a']


def test_changed_config_is_stale_and_runs_again(one, capsys):
    one.run()
    one.add_run('one', quality=0.6)
    assert one.run() == 0
    out = capsys.readouterr().out
    assert f'Stale: one seed 0 ({one.runs["one"]["config"]}' in out
    assert 'changed since it was trained (model)' in out
    assert '| row of one | 60.0 | 1 seed |' in out
    assert [r['test']['toy/AP'] for r in one.records()] == [0.5, 0.6]
    (aside,) = (one.work_dir / 'one').glob('seed-0.stale-*')
    assert (aside / 'epoch_3.pth').is_file()
    assert one.run('--prune') == 0
    assert [r['test']['toy/AP'] for r in one.records()] == [0.6]


def test_config_edited_while_the_grid_runs(grid, capsys, monkeypatch, in_background):
    monkeypatch.setenv('TOY_SECONDS', '0.3')
    grid.add_run('a')
    grid.add_run('b', quality=0.6)
    first = grid.work_dir / 'a' / 'seed-0' / 'epoch_1.pth'
    edit = in_background(first.exists, lambda: grid.add_run('b', quality=0.7))
    assert grid.run() == 1
    edit.join()
    out = capsys.readouterr().out
    assert 'b.py was edited while the grid was running (model)' in out
    monkeypatch.setenv('TOY_SECONDS', '0')
    assert grid.run() == 0
    assert [record['test']['toy/AP'] for record in grid.records()] == [0.5, 0.7]


def test_changed_annotations_run_again(one, capsys):
    one.run()
    one.annotations.write_text('{"images": [{}]}')
    assert one.run() == 0
    assert 'changed since it was trained (annotation files)' in capsys.readouterr().out
    assert len(one.records()) == 2


def test_changed_test_settings_test_again_only(one):
    config = one.add_run('one')
    one.run()
    config.write_text(config.read_text() + "test_evaluator = dict(type='Other')\n")
    assert one.run() == 0
    assert one.trace()[3:] == ['test one 0']
    assert len(one.records()) == 2


def test_interrupted_test_of_changed_annotations_is_not_taken_for_done(one):
    config, held_out = one.add_run('one'), one.folder / 'test.json'
    held_out.write_text('{"images": []}')
    evaluator = f'test_evaluator = dict(ann_file={str(held_out)!r})\n'
    config.write_text(config.read_text() + evaluator)
    assert one.run() == 0
    held_out.write_text('{"images": [{}]}')
    broken = one.folder / 'tools'
    broken.mkdir()
    (broken / 'test.py').write_text('raise SystemExit("out of memory")')
    assert one.run(tools=broken) == 1
    assert one.run() == 0
    assert one.trace()[3:] == ['test one 0']
    assert len(one.records()) == 2
    (aside,) = (one.work_dir / 'one' / 'seed-0').glob('test.stale-*')
    assert (aside / 'predictions.pkl').is_file()


def test_test_killed_while_its_config_was_written_is_done_again(one):
    assert one.run() == 0
    one.results.unlink()
    killed = one.work_dir / 'one' / 'seed-0' / 'test' / '99990101_000000' / 'vis_data'
    killed.mkdir(parents=True)
    (killed / 'config.py').write_text('model = dict(')
    assert one.run() == 0
    assert len(one.records()) == 1


def test_renaming_keeps_results(one):
    one.run()
    done = one.trace()
    text = (one.folder / 'one.py').read_text()
    one.runs = dict(renamed=dict(config=str(one.folder / 'other.py'), seeds=[0]))
    moved = one.folder / 'elsewhere.json'
    one.annotations.rename(moved)
    (one.folder / 'other.py').write_text(
        text.replace(str(one.annotations), str(moved)).replace('anywhere', 'elsewhere')
    )
    assert one.run('--table', str(one.table)) == 0
    assert one.trace() == done
    assert '| row of renamed | 50.0 | 1 seed |' in one.table.read_text()


def test_equal_runs_are_run_once(grid, capsys):
    grid.add_run('a')
    grid.add_run('b')
    assert grid.run() == 0
    out = capsys.readouterr().out
    assert 'b seed 0 is the same as a seed 0.' in out
    assert '| row of b | 50.0 | 1 seed |' in out
    assert len(grid.trace()) == 3


def test_only_the_last_checkpoint_is_kept(grid):
    folder = grid.work_dir / 'one' / 'seed-0'
    grid.add_run('one')
    grid.run()
    assert [path.name for path in folder.glob('*.pth')] == ['epoch_3.pth']
    grid.add_run('all', quality=0.7)
    grid.run('--keep-checkpoints')
    assert len(list((grid.work_dir / 'all' / 'seed-0').glob('*.pth'))) == 3


def test_one_runner_per_work_dir(one, capsys):
    one.work_dir.mkdir()
    with open(one.work_dir / 'run_grid.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert one.run() == 2
    assert 'Another run_grid.py is working' in capsys.readouterr().err
    assert one.run() == 0


def test_command_that_does_not_listen_is_killed(tmp_path, monkeypatch, in_background):
    from grid import processes

    monkeypatch.setattr(processes, 'GRACE_SECONDS', 0.1)
    stop = processes.Stop()
    ready = tmp_path / 'ready'
    deaf = (
        'import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); '
        f'pathlib.Path({str(ready)!r}).touch(); time.sleep(60)'
    )
    asking = in_background(ready.exists, lambda: stop.on_signal(15, None))
    start = time.monotonic()
    with pytest.raises(processes.StoppedError):
        processes.run_command([sys.executable, '-c', deaf], tmp_path / 'log', 1, stop)
    asking.join()
    assert time.monotonic() - start < 20


@pytest.mark.parametrize(
    ('flags', 'words'),
    [
        (['--runs', 'two'], 'has no two; it has one'),
        (['--seeds', '7'], 'no run that was chosen has seeds [7]'),
        (['--table', 'nowhere.md'], 'There is no nowhere.md'),
    ],
)
def test_errors_before_anything_is_run(one, capsys, flags, words):
    assert one.run(*flags) == 2
    assert words in capsys.readouterr().err
    assert one.trace() == []


def test_missing_annotations_name_config_and_run(one, capsys):
    one.annotations.unlink()
    assert one.run() == 2
    err = capsys.readouterr().err
    assert 'one.py (run one)' in err and 'train.json' in err
