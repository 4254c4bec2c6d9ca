import json
import runpy

import cv2
import numpy as np
import pytest
from kins_scene import release_2019, release_2020


@pytest.fixture
def tool(repo_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(name, *args):
        path = repo_root / 'tools' / 'dataset_converters' / name
        return runpy.run_path(str(path))['main']([str(arg) for arg in args])

    return run


def test_make_synth_amodal(tool, tmp_path, capsys):
    numbers = ('--num-train', 3, '--num-val', 2, '--num-test', 1)
    tool('make_synth_amodal.py', *numbers, '--occluded-fraction', 0)
    text = capsys.readouterr().out
    assert 'train: 3 images' in text and 'val: 2 images' in text
    assert 'test: 1 images' in text and text.count(' 0 of them occluded') == 3
    folder = tmp_path / 'data' / 'synth_amodal'
    assert len(list((folder / 'images').iterdir())) == 6
    content = json.loads((folder / 'annotations' / 'val.json').read_text())
    assert len(content['images']) == 2


@pytest.mark.parametrize(
    'wrong',
    [
        ('--occluded-fraction', '1.5'),
        ('--occlusion-range', '0.6', '0.2'),
        ('--occlusion-range', '0.1', '0.9'),
        ('--num-train', '-1'),
        ('--size', '15'),
    ],
)
def test_make_synth_amodal_refuses_wrong_values(tool, tmp_path, capsys, wrong):
    with pytest.raises(SystemExit):
        tool('make_synth_amodal.py', *wrong)
    assert wrong[0] in capsys.readouterr().err
    assert not (tmp_path / 'data').exists()


def test_folder_that_cannot_be_written(tool, tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(SystemExit, match='file'):
        tool('make_synth_amodal.py', '--out-dir', 'file')


def test_another_data_set_is_not_replaced(tool, tmp_path):
    folder = tmp_path / 'set' / 'annotations'
    folder.mkdir(parents=True)
    numbers = [
        flag for name in ('train', 'val', 'test') for flag in (f'--num-{name}', 1)
    ]
    for text in ('{"categories": [{"id": 1, "name": "cup"}]}', '[]', 'no JSON'):
        (folder / 'test.json').write_text(text)
        with pytest.raises(SystemExit, match='test.json is of another data set: name'):
            tool('make_synth_amodal.py', '--out-dir', 'set', *numbers)
        assert [path.name for path in folder.iterdir()] == ['test.json']
        assert (folder / 'test.json').read_text() == text
    # its own is made anew
    (folder / 'test.json').unlink()
    for _ in range(2):
        tool('make_synth_amodal.py', '--out-dir', 'set', *numbers)


def test_cocoa_to_amodal(tool, tmp_path, capsys):
    source = dict(
        images=[dict(id=1, file_name='a.jpg', height=20, width=30)],
        annotations=[
            dict(
                id=5,
                image_id=1,
                regions=[
                    dict(
                        name='Cup ', segmentation=[1, 1, 9, 1, 9, 9], order=1, isStuff=0
                    ),
                    dict(
                        name='sky', segmentation=[1, 1, 9, 1, 9, 9], order=2, isStuff=1
                    ),
                ],
            )
        ],
    )
    (tmp_path / 'cocoa.json').write_text(json.dumps(source))
    (tmp_path / 'names.txt').write_text('plate\ncup\n')
    tool(
        'cocoa_to_amodal.py', 'cocoa.json', 'out/new.json', '--class-names', 'names.txt'
    )
    text = capsys.readouterr().out
    assert 'COCOA: 1 images (0 without objects), 1 objects (0 occl' in text
    content = json.loads((tmp_path / 'out' / 'new.json').read_text())
    assert [a['category_id'] for a in content['annotations']] == [2]


@pytest.mark.parametrize('make', [release_2019, release_2020])
def test_kins_to_amodal(tool, tmp_path, capsys, make):
    (tmp_path / 'kins.json').write_text(json.dumps(make()))
    tool('kins_to_amodal.py', 'kins.json', 'out/new.json')
    text = capsys.readouterr().out
    assert text.startswith(f'out/new.json: KINS {make.__name__[-4:]}: 2 images')
    content = json.loads((tmp_path / 'out' / 'new.json').read_text())
    assert [item['area'] for item in content['annotations']] == [200, 100, 25, 80]


def test_uoais_to_amodal(tool, syntable_sample, tmp_path, capsys):
    tool('uoais_to_amodal.py', syntable_sample / 'annotation_final.json', 'new.json')
    text = capsys.readouterr().out
    assert text.startswith('new.json: UOAIS: 6 images (0 without objects), 95 objects')
    assert '89 times an image listed again' in text
    with pytest.raises(SystemExit, match='would overwrite the input new.json'):
        tool('uoais_to_amodal.py', 'new.json', 'new.json')
    options = '--img-dir', syntable_sample
    assert tool('check_amodal.py', 'new.json', *options) == 0


def test_bop_to_amodal(tool, tmp_path, capsys):
    scene = tmp_path / 'train_pbr' / '000000'
    for folder in ('rgb', 'mask', 'mask_visib'):
        (scene / folder).mkdir(parents=True)
        name = '000005.png' if folder == 'rgb' else '000005_000000.png'
        cv2.imwrite(str(scene / folder / name), np.full((20, 30), 255, np.uint8))
    (scene / 'scene_gt.json').write_text('{"5": [{"obj_id": 3}]}')
    tool('bop_to_amodal.py', 'train_pbr', 'new.json')
    assert capsys.readouterr().out == (
        'new.json: BOP: 1 images (0 without objects), 1 objects (0 occluded, 0 fully '
        'hidden); left out: nothing\n'
    )
    assert tool('check_amodal.py', 'new.json', '--img-dir', 'train_pbr') == 0
    for src in ('train_pbr', 'train_pbr/000000'):
        with pytest.raises(
            SystemExit, match='would overwrite the input .*scene_gt.json'
        ):
            tool('bop_to_amodal.py', src, 'train_pbr/000000/scene_gt.json')
    with pytest.raises(SystemExit, match='train_pbr has no scene_gt_cam1.json'):
        tool('bop_to_amodal.py', 'train_pbr', 'new.json', '--sensor', 'cam1')


@pytest.mark.parametrize('name', ['cocoa_to_amodal.py', 'kins_to_amodal.py'])
def test_errors_of_a_converter_are_one_line(tool, tmp_path, name):
    good = dict(images=[], annotations=[], categories=[])
    if name.startswith('kins'):
        good = release_2019()
    text = json.dumps(good)
    for file, content in {'broken': '{', 'empty': '{}', 'good': text}.items():
        (tmp_path / f'{file}.json').write_text(content)
    for file in ('broken.json', 'missing.json'):
        with pytest.raises(SystemExit, match=f'cannot read {file}: '):
            tool(name, file, 'new.json')
    if name.startswith('cocoa'):
        with pytest.raises(SystemExit, match='cannot read missing.json: '):
            tool(name, 'good.json', 'new.json', '--class-names', 'missing.json')
        with pytest.raises(SystemExit, match='would overwrite the input new.txt'):
            tool(name, 'good.json', 'new.txt', '--class-names', 'new.txt')
    with pytest.raises(SystemExit, match="empty.json has no 'images'"):
        tool(name, 'empty.json', 'new.json')
    assert not (tmp_path / 'new.json').exists()
    with pytest.raises(SystemExit, match='would overwrite the input good.json'):
        tool(name, 'good.json', './good.json')
    with pytest.raises(SystemExit, match='out good.json/new.json cannot be written: '):
        tool(name, 'good.json', 'good.json/new.json')
    assert (tmp_path / 'good.json').read_text() == text
