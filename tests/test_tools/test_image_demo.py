import json
import runpy
import shutil

import cv2
import numpy as np
import pytest
from tiny_checkpoint import NUM_INSTANCES, write_tiny_checkpoint

from oaformer.structures import rle_area


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return write_tiny_checkpoint(tmp_path_factory.mktemp('checkpoint'))


@pytest.fixture
def demo(repo_root, tmp_path, checkpoint, monkeypatch):
    """The tool's main function, in a folder that is not the repository's."""
    main = runpy.run_path(str(repo_root / 'tools' / 'image_demo.py'))['main']
    monkeypatch.chdir(tmp_path)
    for file in checkpoint:
        shutil.copy(file, tmp_path)
    return lambda *args: main([*args, '--device', 'cpu'])


def test_folder(demo, tmp_path, capsys):
    (tmp_path / 'images').mkdir()
    cv2.imwrite(str(tmp_path / 'images' / 'a.png'), np.zeros((40, 50, 3), np.uint8))
    (tmp_path / 'images' / 'b.png').write_text('no image')
    demo(
        *('images', 'config.py', '--weights', 'weights.pth', '--out-dir', 'found'),
        *('--print-result', '--pred-score-thr', '0', '--batch-size', '2'),
    )
    printed = capsys.readouterr().out
    found = f'images/a.png: {NUM_INSTANCES} instances with a score of 0.0 or more'
    assert found in printed
    assert printed.endswith('1 images or frames, in found\n')
    saved = json.loads((tmp_path / 'found' / 'preds' / 'a.json').read_text())
    assert len(saved['masks']) == NUM_INSTANCES
    assert (tmp_path / 'found' / 'vis' / 'a.png').is_file()


def test_no_save_flags(demo, tmp_path, capsys):
    cv2.imwrite('a.png', np.zeros((40, 50, 3), np.uint8))
    demo('a.png', 'weights.pth', '--no-save-vis', '--no-save-pred')
    assert capsys.readouterr().out.endswith('1 images or frames\n')
    assert not (tmp_path / 'outputs').exists()


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (('a.png', 'no_such_model'), 'There is no config no_such_model'),
        (('a.png', 'gone.pth'), 'There is no checkpoint gone.pth'),
        (('a.png', 'weights.pth'), 'Image not found: a.png'),
        (('empty', 'weights.pth'), 'empty has no images'),
    ],
)
def test_errors_are_one_line(demo, tmp_path, args, message):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(SystemExit) as caught:
        demo(*args)
    assert caught.value.code.startswith(message)


CONVERTERS = dict(
    labelme=('labelme_to_amodal', 'found/labelme'),
    cvat=('cvat_to_amodal', 'found/cvat.xml'),
)


@pytest.mark.parametrize('kind', ['coco', 'labelme', 'cvat'])
def test_export_and_back(demo, repo_root, tmp_path, capsys, monkeypatch, kind):
    """What the converters make of an export is right for check_amodal.py."""
    # an untrained model finds some objects twice
    monkeypatch.setattr('oaformer.apis.pre_annotations.DUPLICATE_IOU', 2.0)
    (tmp_path / 'images').mkdir()
    for name in 'ab':
        image = np.random.default_rng(ord(name)).integers(0, 255, (40, 50, 3), np.uint8)
        cv2.imwrite(str(tmp_path / 'images' / f'{name}.png'), image)
    args = 'images', 'weights.pth', '--export', kind, '--out-dir', 'found'
    args = *args, '--pred-score-thr', '0', '--no-save-vis'
    demo(*args)
    assert capsys.readouterr().out.endswith('2 images or frames, in found\n')
    saved = [
        json.loads((tmp_path / 'found' / 'preds' / f'{name}.json').read_text())
        for name in 'ab'
    ]
    number = sum(bool(rle_area(mask)) for each in saved for mask in each['masks'])
    assert number >= 2

    tools = repo_root / 'tools' / 'dataset_converters'
    result = 'found/coco.json'
    if kind in CONVERTERS:
        tool, source = CONVERTERS[kind]
        result = 'back.json'
        convert = runpy.run_path(str(tools / f'{tool}.py'))['main']
        convert([source, result, '--img-dir', 'images'])
    content = json.loads((tmp_path / result).read_text())
    assert [each['file_name'] for each in content['images']] == ['a.png', 'b.png']
    assert len(content['annotations']) == number
    check = runpy.run_path(str(tools / 'check_amodal.py'))['main']
    assert check([result, '--img-dir', 'images']) == 0, capsys.readouterr().out

    with pytest.raises(SystemExit) as caught:
        demo(*args)
    assert 'exists and may hold corrections' in caught.value.code
