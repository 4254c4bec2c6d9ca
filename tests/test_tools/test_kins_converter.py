import json
import runpy

import pytest
from kins_scene import release_2019, release_2020


@pytest.fixture
def tool(repo_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = repo_root / 'tools' / 'dataset_converters' / 'kins_to_amodal.py'
    main = runpy.run_path(str(path))['main']
    return lambda *args: main([str(arg) for arg in args])


@pytest.mark.parametrize('make', [release_2019, release_2020])
def test_one_file(tool, tmp_path, capsys, make):
    (tmp_path / 'kins.json').write_text(json.dumps(make()))
    tool('kins.json', 'out/new.json')
    told = capsys.readouterr().out
    assert told.startswith(f'out/new.json: KINS {make.__name__[-4:]}: 2 images')
    content = json.loads((tmp_path / 'out' / 'new.json').read_text())
    assert [item['area'] for item in content['annotations']] == [200, 100, 25, 80]


def test_errors_are_one_line(tool, tmp_path):
    (tmp_path / 'broken.json').write_text('{')
    for name in ('broken.json', 'missing.json'):
        with pytest.raises(SystemExit, match=f'cannot read {name}: '):
            tool(name, 'new.json')
    (tmp_path / 'empty.json').write_text('{}')
    with pytest.raises(SystemExit, match="empty.json has no 'images'"):
        tool('empty.json', 'new.json')
    assert not (tmp_path / 'new.json').exists()
    (tmp_path / 'kins.json').write_text(json.dumps(release_2019()))
    with pytest.raises(SystemExit, match='cannot write kins.json/new.json: '):
        tool('kins.json', 'kins.json/new.json')


def test_the_original_is_never_written(tool, tmp_path):
    text = json.dumps(release_2019())
    (tmp_path / 'kins.json').write_text(text)
    with pytest.raises(SystemExit, match='name another one'):
        tool('kins.json', './kins.json')
    assert (tmp_path / 'kins.json').read_text() == text
