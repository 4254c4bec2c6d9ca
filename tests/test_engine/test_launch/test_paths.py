import pytest
from mmengine.config import ConfigDict

from oaformer.engine.launch import paths
from oaformer.engine.launch.paths import REPO_ROOT, find_config, resolve_data_paths


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A working folder and a repository, which has ``data/set``."""
    working_dir, repo = tmp_path / 'cwd', tmp_path / 'repo'
    working_dir.mkdir()
    (repo / 'data' / 'set' / 'images').mkdir(parents=True)
    (repo / 'data' / 'set' / 'train.json').touch()
    (repo / 'configs').mkdir()
    (repo / 'configs' / 'one.py').touch()
    monkeypatch.chdir(working_dir)
    monkeypatch.setattr(paths, 'REPO_ROOT', repo)
    return working_dir, repo


def test_the_repository_is_that_of_the_package(repo_root):
    assert repo_root == REPO_ROOT


def test_config_of_the_working_folder_comes_first(places):
    working_dir, repo = places
    assert find_config('configs/one.py') == repo / 'configs' / 'one.py'
    own = working_dir / 'configs' / 'one.py'
    own.parent.mkdir()
    own.touch()
    assert find_config('configs/one.py').absolute() == own
    with pytest.raises(FileNotFoundError) as caught:
        find_config('configs/two.py')
    for folder in places:
        assert str(folder / 'configs' / 'two.py') in str(caught.value)


def test_data_root_moves_and_what_is_below_it_stays(places):
    own = dict(ann_file='train.json', data_prefix=dict(img='images/'))
    dataset = dict(type='RepeatDataset', dataset=dict(data_root='data/set/', **own))
    loader = ConfigDict(batch_size=2, dataset=dataset)
    resolved = resolve_data_paths(loader)
    assert isinstance(resolved.dataset.dataset, ConfigDict)
    expected = dict(data_root=f'{places[1]}/data/set/', **own)
    assert resolved.dataset.dataset == expected
    assert resolved.batch_size == 2
    assert loader.dataset.dataset.data_root == 'data/set/'


def test_paths_without_data_root_move(places):
    def config(root, ann_file):
        return dict(
            datasets=[
                dict(ann_file=ann_file, data_prefix=dict(img=f'{root}data/set/images')),
                dict(data_root='', ann_file=ann_file),
            ],
            evaluators=[dict(type='M', ann_file=ann_file)],
        )

    before = config('', 'data/set/train.json')
    after = config(f'{places[1]}/', f'{places[1]}/data/set/train.json')
    assert resolve_data_paths(before) == after


@pytest.mark.parametrize(
    'path', ['data/own', 'data/other', '/data/set', 's3://bucket/data/set', '', None]
)
def test_other_paths_stay(places, path):
    """Such as data that both folders have: the working folder's come first."""
    for folder in places:
        (folder / 'data' / 'own').mkdir(parents=True)
    cfg = dict(data_root=path)
    assert resolve_data_paths(cfg) == cfg
