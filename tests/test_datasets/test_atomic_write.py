import json
import os

import pytest

from oaformer.datasets.atomic_write import (
    atomic_path,
    check_output,
    find_overwritten,
    write_json,
)


def test_a_file_is_written_as_a_whole_or_not_at_all(tmp_path):
    path = tmp_path / 'deep' / 'new.json'
    write_json(path, dict(images=[]))
    with pytest.raises(TypeError):
        write_json(path, dict(images=[object()]))
    assert json.loads(path.read_text()) == dict(images=[])
    write_json(str(path), dict(images=[1]))
    assert json.loads(path.read_text()) == dict(images=[1])
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_is_written_as_a_whole_or_not_at_all(tmp_path):
    target = tmp_path / 'deep' / 'set'
    with pytest.raises(KeyboardInterrupt), atomic_path(target) as part:
        part.mkdir()
        (part / 'a.png').write_text('a')
        raise KeyboardInterrupt
    assert list(target.parent.iterdir()) == []
    with atomic_path(target) as part:
        part.mkdir()
        (part / 'a.png').write_text('a')
        assert not target.exists()
    assert [path.name for path in target.iterdir()] == ['a.png']
    assert list(target.parent.iterdir()) == [target]


def test_a_long_name_is_written(tmp_path):
    path = tmp_path / ('x' * 250 + '.json')
    write_json(path, {})
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The file in.json under three names, and a folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'in.json').write_text('{}')
    os.symlink('in.json', 'link.json')
    os.link('in.json', 'hard.json')


@pytest.mark.parametrize(
    ('path', 'message'),
    [
        ('in.json', '--out in.json would overwrite the input in.json'),
        ('folder/../in.json', 'would overwrite the input in.json'),
        ('link.json', 'would overwrite the input in.json'),
        ('hard.json', 'would overwrite the input in.json'),
        ('gone.json', 'would overwrite the input folder/../gone.json'),
        ('folder', '--out folder is a folder: name a file'),
        ('in.json/new.json', 'cannot be written: .*/in.json is not a folder'),
        ('in.json/deep/new.json', 'cannot be written: .*/in.json is not a folder'),
    ],
)
def test_outputs_are_refused_before_work_is_done(folder, path, message):
    with pytest.raises(OSError, match=message):
        check_output(path, None, 'https://x.org/a', 'in.json', 'folder/../gone.json')


@pytest.mark.parametrize('path', ['new.json', 'folder/deep/new.json', 'IN.json'])
def test_new_files_are_no_inputs(folder, path):
    check_output(path, 'in.json')
    assert not os.path.exists('folder/deep')
    assert find_overwritten([path], ['in.json']) is None
