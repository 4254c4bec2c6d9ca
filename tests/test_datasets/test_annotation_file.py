import json

import pytest

from oaformer.datasets.annotation_file import write_json


def test_a_file_is_written_as_a_whole_or_not_at_all(tmp_path):
    path = tmp_path / 'deep' / 'new.json'
    write_json(path, dict(images=[]))
    with pytest.raises(TypeError):
        write_json(path, dict(images=[object()]))
    assert json.loads(path.read_text()) == dict(images=[])
    write_json(str(path), dict(images=[1]))
    assert json.loads(path.read_text()) == dict(images=[1])
    assert list(path.parent.iterdir()) == [path]
