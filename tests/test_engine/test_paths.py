import pytest
from mmengine.config import ConfigDict

from oaformer.engine import find_config, resolve_data_paths


@pytest.fixture
def places(tmp_path):
    """A working folder and a repository, which has ``data/set``."""
    working_dir, repo = tmp_path / 'cwd', tmp_path / 'repo'
    working_dir.mkdir()
    (repo / 'data' / 'set' / 'images').mkdir(parents=True)
    (repo / 'data' / 'set' / 'train.json').touch()
    (repo / 'configs').mkdir()
    (repo / 'configs' / 'one.py').touch()
    return working_dir, repo


def test_config_of_the_working_folder_comes_first(places, monkeypatch):
    working_dir, repo = places
    monkeypatch.chdir(working_dir)
    assert find_config('configs/one.py', repo) == repo / 'configs' / 'one.py'
    (working_dir / 'configs').mkdir()
    (working_dir / 'configs' / 'one.py').touch()
    assert find_config('configs/one.py', repo).absolute() == (
        working_dir / 'configs' / 'one.py'
    )


def test_missing_config_names_both_places(places, monkeypatch):
    working_dir, repo = places
    monkeypatch.chdir(working_dir)
    with pytest.raises(FileNotFoundError) as caught:
        find_config('configs/two.py', repo)
    assert str(working_dir / 'configs' / 'two.py') in str(caught.value)
    assert str(repo / 'configs' / 'two.py') in str(caught.value)


def test_data_root_moves_and_what_is_below_it_stays(places):
    dataset = ConfigDict(
        type='RepeatDataset',
        dataset=dict(
            data_root='data/set/',
            ann_file='train.json',
            data_prefix=dict(img='images/'),
        ),
    )
    loader = ConfigDict(batch_size=2, dataset=dataset)
    resolved = resolve_data_paths(loader, *places)
    inner = resolved.dataset.dataset
    assert isinstance(inner, ConfigDict)
    assert inner.data_root == f'{places[1]}/data/set/'
    assert (inner.ann_file, inner.data_prefix) == ('train.json', dict(img='images/'))
    assert resolved.batch_size == 2
    assert dataset.dataset.data_root == 'data/set/'


def test_paths_without_data_root_move(places):
    datasets = [
        dict(ann_file='data/set/train.json', data_prefix=dict(img='data/set/images')),
        dict(data_root='', ann_file='data/set/train.json'),
    ]
    evaluators = [dict(type='M', ann_file='data/set/train.json')]
    repo = places[1]
    assert resolve_data_paths(dict(datasets=datasets), *places) == dict(
        datasets=[
            dict(
                ann_file=f'{repo}/data/set/train.json',
                data_prefix=dict(img=f'{repo}/data/set/images'),
            ),
            dict(data_root='', ann_file=f'{repo}/data/set/train.json'),
        ]
    )
    assert resolve_data_paths(evaluators, *places) == [
        dict(type='M', ann_file=f'{repo}/data/set/train.json')
    ]


@pytest.mark.parametrize(
    'path', ['data/other', '/data/set', 's3://bucket/data/set', '', None]
)
def test_other_paths_stay(places, path):
    cfg = dict(data_root=path)
    assert resolve_data_paths(cfg, *places) == cfg


def test_data_of_the_working_folder_comes_first(places):
    (places[0] / 'data' / 'set').mkdir(parents=True)
    cfg = dict(data_root='data/set')
    assert resolve_data_paths(cfg, *places) == cfg
