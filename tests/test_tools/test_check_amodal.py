import json
import os
import runpy
import shutil

import pytest
from planted_faults import entry, good_content, write_images

from oaformer.datasets.findings import KINDS


@pytest.fixture
def tool(repo_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = repo_root / 'tools' / 'dataset_converters' / 'check_amodal.py'
    main = runpy.run_path(str(path))['main']
    return lambda *args: main([str(arg) for arg in args])


@pytest.fixture
def write(tmp_path):
    """Write an annotation file, and its images where they are found."""
    (tmp_path / 'annotations').mkdir()
    write_images(tmp_path / 'images')

    def build(content):
        path = tmp_path / 'annotations' / 'val.json'
        path.write_text(json.dumps(content))
        return 'annotations/val.json'

    return build


def faulty_content():
    content = good_content()
    entry(content, 12)['occlude_rate'] = 0.9
    entry(content, 11)['bbox'] = [0, 0, 5, 5]
    entry(content, 13)['image_id'] = 7
    return content


def test_good_file(tool, write, capsys):
    assert tool(write(good_content())) == 0
    text = capsys.readouterr().out
    assert 'Nothing is wrong.' in text
    assert 'images' in text
    lines = [line.split() for line in text.splitlines()]
    assert ['│', 'fully', 'hidden', '│', '1', '│'] in lines
    assert ['│', 'exactly', '0', '│', '3', '│', '#' * 40, '│'] in lines
    assert ['│', '(0.3,', '0.4]', '│', '1', '│', '#' * 13, '│'] in lines


def test_findings_are_listed_by_kind_and_place(tool, write, capsys):
    assert tool(write(faulty_content()), '--out', 'deep/report.json') == 1
    text = capsys.readouterr().out
    assert 'corrected: occlusion_rate: ' in text
    assert (
        'annotation 12 (image 1, 1.png): the rate is 0.9000, that of the masks 0.3250 '
        '(+0.5750)'
    ) in text
    assert 'annotation 13 (image 7): image_id 7 not found in the file' in text
    assert 'Problems: 3 (corrected: 2, error: 1)' in text
    with open('deep/report.json') as file:
        report = json.load(file)
    kinds = {(each['kind'], each['id']) for each in report['problems']}
    assert kinds == {('occlusion_rate', 12), ('bbox', 11), ('unknown_image', 13)}
    assert report['statistics']['counts']['objects'] == 5


def test_long_lists_are_cut_on_the_screen_only(tool, write, capsys):
    content = good_content()
    for annotation in content['annotations']:
        annotation['area'] = 1000
    name = write(content)
    assert tool(name, '--max-listed', 2, '--out', 'report.json') == 1
    text = capsys.readouterr().out
    assert text.count('the area is 1000') == 2
    assert '... and 3 more' in text
    with open('report.json') as file:
        assert len(json.load(file)['problems']) == 5


def test_the_original_is_never_touched(tool, write, tmp_path, capsys):
    name = write(faulty_content())
    before = (tmp_path / name).read_bytes()
    os.symlink('annotations/val.json', 'link.json')
    os.link('annotations/val.json', 'hard.json')
    for out in (name, 'images/../annotations/val.json', 'link.json', 'hard.json'):
        for target, source in ((out, name), (name, out)):
            with pytest.raises(SystemExit) as error:
                tool(source, '--out', target, '--overwrite')
            assert error.value.code == 2
            assert 'would overwrite the input' in capsys.readouterr().err
    assert (tmp_path / name).read_bytes() == before


def test_a_report_is_replaced_on_demand_only(tool, write, tmp_path, capsys):
    name = write(faulty_content())
    old = tmp_path / 'old.json'
    old.write_text('old')
    with pytest.raises(SystemExit) as error:
        tool(name, '--out', 'old.json')
    assert error.value.code == 2
    assert 'old.json exists; --overwrite replaces it' in capsys.readouterr().err
    assert old.read_text() == 'old'
    assert tool(name, '--out', 'old.json', '--overwrite') == 1
    assert json.loads(old.read_text())
    for out, text in (
        ('old.json/report.json', 'old.json is not a folder'),
        ('images', '--out images is a folder'),
    ):
        with pytest.raises(SystemExit):
            tool(name, '--out', out, '--overwrite')
        assert text in capsys.readouterr().err


def test_other_files_are_refused(tool, tmp_path, capsys):
    (tmp_path / 'other.json').write_text(
        '{"images": [], "annotations": [{"regions": 1}]}'
    )
    assert tool('other.json') == 2
    assert 'tools/dataset_converters/cocoa_to_amodal.py' in capsys.readouterr().err
    assert tool('missing.json') == 2


def test_images(tool, write, tmp_path, capsys):
    name = write(good_content())
    (tmp_path / 'images' / '1.png').unlink()
    assert tool(name) == 1
    text = capsys.readouterr().out
    assert 'error: missing_image: ' in text
    assert 'Image not found: images/1.png' in text.replace(f'{tmp_path}/', '')
    assert tool(name, '--no-images') == 0
    text = capsys.readouterr().out
    assert 'Images: not looked at (--no-images)' in text
    assert 'Nothing is wrong.' not in text
    # with a wrong folder, every image would be called missing
    assert tool(name, '--img-dir', 'annotations') == 2
    assert 'Is it the right --img-dir?' in capsys.readouterr().err
    # not even by chance is a file called good whose images were not seen
    shutil.rmtree(tmp_path / 'images')
    assert tool(name) == 1
    text = capsys.readouterr().out
    assert 'Images: not looked at, since none was found near' in text
    assert 'Nothing is wrong.' not in text


def test_images_that_are_all_unreadable_are_listed(tool, write, tmp_path, capsys):
    name = write(good_content())
    for path in (tmp_path / 'images').iterdir():
        path.write_bytes(path.read_bytes()[:-20])
    assert tool(name) == 1
    assert 'Problems: 3 (error: 3)' in capsys.readouterr().out


def test_a_file_without_images_is_not_good(tool, write, capsys):
    assert tool(write(dict(images=[], annotations=[], categories=[]))) == 2
    assert 'the list "images" is empty' in capsys.readouterr().err


def test_help_lists_exit_codes_and_kinds(tool, capsys):
    with pytest.raises(SystemExit):
        tool('--help')
    text = capsys.readouterr().out
    assert 'exit codes:' in text
    for name, kind in KINDS.items():
        assert f'{name} ({kind.severity}): {kind.title}' in text


def test_real_samples(tool, sample_data, repo_root, tmp_path, capsys):
    paths = list((sample_data / 'd2sa_sample' / 'annotations').glob('*.json'))
    assert paths
    for path in paths:
        assert tool(path) == 0
        assert 'd2sa_sample/images' in capsys.readouterr().out.replace('\n', '')
    cocoa = sample_data / 'cocoa_sample'
    source = cocoa / 'annotations' / 'COCO_amodal_val2014.json'
    assert tool(source) == 2
    assert 'cocoa_to_amodal.py' in capsys.readouterr().err
    convert = repo_root / 'tools' / 'dataset_converters' / 'cocoa_to_amodal.py'
    runpy.run_path(str(convert))['main']([str(source), 'objects.json'])
    assert tool('objects.json', '--img-dir', cocoa / 'val2014') == 0
