import json
import os
import runpy
import shutil

import numpy as np
import pytest
from PIL import Image
from planted_faults import SIZES, entry, good_content


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
    (tmp_path / 'images').mkdir()
    for name, size in SIZES.items():
        image = np.zeros((*size, 3), dtype=np.uint8)
        Image.fromarray(image).save(tmp_path / 'images' / name)

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
    told = capsys.readouterr().out
    assert 'Nothing is wrong.' in told
    assert 'images' in told
    lines = [line.split() for line in told.splitlines()]
    assert ['│', 'fully', 'hidden', '│', '1', '│'] in lines
    assert ['│', 'exactly', '0', '│', '3', '│', '#' * 40, '│'] in lines
    assert ['│', '(0.3,', '0.4]', '│', '1', '│', '#' * 13, '│'] in lines


def test_problems_are_told_by_kind_and_place(tool, write, capsys):
    assert tool(write(faulty_content()), '--out', 'deep/report.json') == 1
    told = capsys.readouterr().out
    assert 'warning: occlusion_rate: ' in told
    assert (
        'annotation 12 (image 1, 1.png): the rate is 0.9000, that of the masks 0.3250 '
        '(+0.5750)'
    ) in told
    assert 'annotation 13 (image 7): there is no image 7 in the file' in told
    assert 'Problems: 3 (errors: 1, warnings: 2)' in told
    with open('deep/report.json') as file:
        report = json.load(file)
    kinds = {(each['kind'], each['id']) for each in report['problems']}
    assert kinds == {('occlusion_rate', 12), ('bbox', 11), ('unknown_image', 13)}
    assert report['statistics']['counts']['objects'] == 5
    assert 'changes' not in report


def test_long_lists_are_cut_on_the_screen_only(tool, write, capsys):
    content = good_content()
    for annotation in content['annotations']:
        annotation['area'] = 1000
    name = write(content)
    assert tool(name, '--max-listed', 2, '--out', 'report.json') == 1
    told = capsys.readouterr().out
    assert told.count('the area is 1000') == 2
    assert '... and 3 more' in told
    with open('report.json') as file:
        assert len(json.load(file)['problems']) == 5


def test_corrected_copy(tool, write, capsys):
    name = write(faulty_content())
    with open(name) as file:
        before = file.read()
    assert tool(name, '--fix', 'annotations/fixed.json', '--out', 'report.json') == 1
    told = capsys.readouterr().out
    assert '1 corrected: bbox' in told
    assert '1 entries had to be left out' in told
    with open(name) as file:
        assert file.read() == before
    assert tool('annotations/fixed.json') == 0
    with open('annotations/fixed.json') as file:
        assert [each['entry']['id'] for each in json.load(file)['removed']] == [13]
    with open('report.json') as file:
        changes = json.load(file)['changes']
    assert {(each['id'], each['action']) for each in changes} == {
        (11, 'corrected'),
        (12, 'corrected'),
        (13, 'removed'),
    }
    assert sorted(os.listdir('annotations')) == ['fixed.json', 'val.json']


def test_copy_of_a_good_file_is_equal(tool, write, capsys):
    assert tool(write(good_content()), '--fix', 'fixed.json') == 0
    assert 'equal to the original' in capsys.readouterr().out
    with open('fixed.json') as file:
        assert json.load(file) == good_content()


@pytest.mark.parametrize('flag', ['--fix', '--out'])
def test_original_is_never_touched(tool, write, tmp_path, capsys, flag):
    name = write(faulty_content())
    before = (tmp_path / name).read_bytes()
    os.symlink('annotations/val.json', 'link.json')
    os.link('annotations/val.json', 'hard.json')
    for out in (name, tmp_path / name, 'images/../annotations/val.json', 'link.json'):
        for target, source in ((out, name), (name, out)):
            with pytest.raises(SystemExit) as error:
                tool(source, flag, target, '--overwrite')
            assert error.value.code == 2
            assert 'is the original, which is never touched' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        tool(name, flag, 'hard.json', '--overwrite')
    assert (tmp_path / name).read_bytes() == before


def test_what_is_there_is_replaced_on_demand_only(tool, write, capsys):
    name = write(faulty_content())
    for flag in ('--fix', '--out'):
        with open('old.json', 'w') as file:
            file.write('old')
        with pytest.raises(SystemExit) as error:
            tool(name, flag, 'old.json')
        assert error.value.code == 2
        assert 'old.json exists; --overwrite replaces it' in capsys.readouterr().err
        with open('old.json') as file:
            assert file.read() == 'old'
        assert tool(name, flag, 'old.json', '--overwrite') == 1
        with open('old.json') as file:
            assert json.load(file)


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        ('{', 'is not valid JSON'),
        ('[]', 'it must be a COCO-style file'),
        ('{"images": [], "annotations": null, "categories": []}', "no ['annotations']"),
        (
            '{"images": [], "annotations": [{"regions": []}]}',
            'tools/dataset_converters/cocoa_to_amodal.py',
        ),
        (
            '{"images": [], "annotations": [{"inmodal_seg": []}], "categories": []}',
            'tools/dataset_converters/kins_to_amodal.py',
        ),
    ],
)
def test_other_files_are_refused(tool, tmp_path, capsys, content, words):
    (tmp_path / 'other.json').write_text(content)
    assert tool('other.json') == 2
    assert words in capsys.readouterr().err
    assert tool('missing.json') == 2


def test_images(tool, write, tmp_path, capsys):
    name = write(good_content())
    (tmp_path / 'images' / '1.png').unlink()
    assert tool(name) == 1
    told = capsys.readouterr().out
    assert 'error: missing_image: ' in told
    assert 'image 1 (1.png): there is no file' in told
    assert tool(name, '--no-images') == 0
    # a wrong folder is no reason to call every image missing, let alone remove it
    assert tool(name, '--img-dir', 'annotations', '--fix', 'fixed.json') == 2
    assert 'Is it the right --img-dir?' in capsys.readouterr().err
    assert not os.path.exists('fixed.json')
    shutil.rmtree(tmp_path / 'images')
    assert tool(name) == 0
    assert 'Images: not looked at' in capsys.readouterr().out


def test_unwritable_copy_is_told(tool, write, capsys):
    name = write(faulty_content())
    shutil.copy(name, 'file')
    assert tool(name, '--fix', 'file/fixed.json') == 2
    assert 'cannot write' in capsys.readouterr().err


def test_help_tells_codes_and_kinds(tool, capsys):
    with pytest.raises(SystemExit):
        tool('--help')
    told = capsys.readouterr().out
    assert 'exit codes:' in told and 'occl_depth (warning)' in told


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
