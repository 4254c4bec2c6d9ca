import json
import zipfile

import pytest
from grid_case import REPO_ROOT
from mmengine.config import Config


def checkpoint(folder, name, complete=True):
    path = folder / name
    if complete:
        with zipfile.ZipFile(path, 'w') as archive:
            archive.writestr('data', 'weights')
    else:
        path.write_bytes(b'PK\x03\x04 half of it')
    return path


def test_last_checkpoint_is_the_named_one(tmp_path):
    from grid.work_dir import point_to_last_checkpoint, step_of

    third = checkpoint(tmp_path, 'epoch_3.pth')
    checkpoint(tmp_path, 'epoch_4.pth', complete=False)
    pointer = tmp_path / 'last_checkpoint'
    # From another machine, where the folder was elsewhere.
    pointer.write_text('/elsewhere/epoch_3.pth')
    assert point_to_last_checkpoint(tmp_path) == third
    assert pointer.read_text() == str(third)
    assert step_of(third) == 3


def test_last_checkpoint_where_the_named_one_is_gone(tmp_path):
    from grid.work_dir import point_to_last_checkpoint, step_of

    pointer = tmp_path / 'last_checkpoint'
    pointer.write_text(str(tmp_path / 'epoch_9.pth'))
    checkpoint(tmp_path, 'epoch_10.pth', complete=False)
    checkpoint(tmp_path, 'best_amodal_segm_mAP_epoch_8.pth')
    assert point_to_last_checkpoint(tmp_path) is None
    assert not pointer.exists()
    assert step_of(None) == 0
    checkpoint(tmp_path, 'epoch_2.pth')
    latest = checkpoint(tmp_path, 'epoch_8.pth')
    assert point_to_last_checkpoint(tmp_path) == latest
    assert pointer.read_text() == str(latest)


def scalars(work_dir, name, *lines):
    folder = work_dir / name / 'vis_data'
    folder.mkdir(parents=True)
    (folder / 'scalars.json').write_text('\n'.join(lines) + '\n')


def test_scalars_of_all_parts(tmp_path):
    from grid.work_dir import read_scalars, validation_metrics

    scalars(tmp_path, '20260102_000000', '{"iter": 2, "time": 3, "step": 2}')
    scalars(
        tmp_path,
        '20260101_000000',
        '{"iter": 1, "time": 2, "step": 1}',
        '{"amodal/AP": 0.5, "time": 9, "step": 1}',
        '{"iter": 2, "ti',
    )
    rows = read_scalars(tmp_path)
    assert [row.get('iter') for row in rows] == [1, None, 2]
    assert validation_metrics(rows, 1) == {'amodal/AP': 0.5}
    assert validation_metrics(rows, 2) == {}


def test_damage_in_the_middle_of_scalars_is_an_error(tmp_path):
    from grid.work_dir import read_scalars

    scalars(tmp_path, '20260101_000000', '{"iter": 1, "ti', '{"iter": 2}')
    with pytest.raises(json.JSONDecodeError):
        read_scalars(tmp_path)


def logged(times, every, window):
    """What MMEngine logs of these iterations: means over a window."""
    rows = []
    for number in range(every, len(times) + 1, every):
        last = times[max(number - window, 0) : number]
        rows.append(dict(iter=number, step=number, time=sum(last) / len(last)))
    return rows


def test_overlapping_windows_count_once():
    from grid.work_dir import train_minutes

    # A slow start: 60 seconds, then 1 each.
    times = [60.0] + [1.0] * 99
    for every, window in ((1, 1), (10, 10), (50, 50), (10, 50), (25, 100)):
        rows = logged(times, every, window)
        assert train_minutes(rows, window) == pytest.approx(sum(times) / 60)


def test_what_no_window_covers_counts_as_the_mean():
    from grid.work_dir import train_minutes

    rows = [dict(iter=10, time=1.0), dict(iter=20, time=3.0)]
    assert train_minutes(rows, 5) == pytest.approx(20 * 2 / 60)
    assert train_minutes([], 5) is None
    assert train_minutes([{'amodal/AP': 1, 'time': 3, 'step': 1}], 5) is None


def test_repeated_iterations_count_once():
    from grid.work_dir import train_minutes

    rows = [dict(iter=n, time=1.0) for n in (1, 2, 3)]
    rows += [dict(iter=n, time=5.0) for n in (3, 4)]
    assert train_minutes(rows, 1) == pytest.approx(12 / 60)


@pytest.fixture
def working_dir(tmp_path, monkeypatch):
    """A working folder with annotation files for the config below."""
    folder = tmp_path / 'data' / 'synth_amodal' / 'annotations'
    folder.mkdir(parents=True)
    for split in ('train', 'val', 'test'):
        (folder / f'{split}.json').write_text(json.dumps(dict(split=split)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


CONFIG = 'configs/synth/oaformer_tiny_synth.py'


def test_config_equals_its_dump(working_dir):
    from grid.fingerprint import changed_sections, fingerprint, load_config

    cfg = load_config(CONFIG, REPO_ROOT)
    run = Config.fromfile(REPO_ROOT / CONFIG, import_custom_modules=False)
    run.work_dir, run.resume, run.launcher = 'anywhere', True, 'none'
    run.merge_from_dict({'randomness.seed': 3, 'default_hooks.logger.interval': 7})
    run.dump(working_dir / 'config.py')
    dump = load_config(working_dir / 'config.py', REPO_ROOT)
    assert changed_sections(cfg, dump, REPO_ROOT) == []
    assert fingerprint(cfg, REPO_ROOT) == fingerprint(dump, REPO_ROOT)


@pytest.mark.parametrize(
    ('key', 'value', 'section'),
    [
        ('model.panoptic_head.num_queries', 10, 'model'),
        ('train_dataloader.batch_size', 4, 'train_dataloader'),
        ('optim_wrapper.optimizer.lr', 0.1, 'optim_wrapper'),
        ('train_cfg.max_epochs', 13, 'train_cfg'),
        ('test_evaluator.min_invisible_area', 3, 'test_evaluator'),
        ('custom_hooks.0.type', 'EMAHook', 'custom_hooks'),
        ('load_from', 'weights.pth', 'load_from'),
    ],
)
def test_what_decides_changes_the_fingerprint(working_dir, key, value, section):
    from grid.fingerprint import changed_sections, load_config

    one, other = load_config(CONFIG, REPO_ROOT), load_config(CONFIG, REPO_ROOT)
    other.merge_from_dict({key: value})
    assert changed_sections(one, other, REPO_ROOT) == [section]


def test_annotations_count_by_content_not_by_place(working_dir, monkeypatch):
    from grid.fingerprint import fingerprint, load_config

    before = fingerprint(load_config(CONFIG, REPO_ROOT), REPO_ROOT)
    (working_dir / 'data').rename(working_dir / 'moved')
    cfg = load_config(CONFIG, REPO_ROOT)
    place = str(working_dir / 'moved' / 'synth_amodal')
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.data_root = place
        if split != 'train':
            cfg[f'{split}_evaluator'].ann_file = f'{place}/annotations/{split}.json'
    assert fingerprint(cfg, REPO_ROOT) == before
    (working_dir / 'moved' / 'synth_amodal' / 'annotations' / 'val.json').write_text('')
    assert fingerprint(cfg, REPO_ROOT) != before


def test_broken_results_are_not_overwritten(tmp_path):
    from grid.grid_file import GridError
    from grid.results import add_result

    path = tmp_path / 'results.json'
    for text in ('[{"run": "a"}]', '{', '[1]'):
        path.write_text(text)
        with pytest.raises(GridError, match='is no file of results'):
            add_result(path, dict(fingerprint='f', seed=0))
        assert path.read_text() == text


def test_results_are_replaced_by_identity(tmp_path):
    from grid.results import add_result, read_results

    path = tmp_path / 'docs' / 'results.json'
    for seed, value in ((0, 1), (1, 2), (0, 3)):
        add_result(path, dict(fingerprint='f', seed=seed, value=value))
    assert [record['value'] for record in read_results(path)] == [2, 3]
    assert [file.name for file in path.parent.iterdir()] == ['results.json']
