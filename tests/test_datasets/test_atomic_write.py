import json

import pytest

from oaformer.datasets.atomic_write import atomic_path, write_json


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
