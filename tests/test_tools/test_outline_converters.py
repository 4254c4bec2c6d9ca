"""The commands for labelling tools, from their files to what check_amodal.py says."""

import json
import runpy

import cvat_file as cvat
import pytest
from labelme_folder import CUP, pair, shape, write


@pytest.fixture
def tool(repo_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(name, *args):
        path = repo_root / 'tools' / 'dataset_converters' / f'{name}.py'
        return runpy.run_path(str(path))['main']([str(arg) for arg in args])

    return run


@pytest.fixture
def check(tool, capsys):
    """Whether check_amodal.py has nothing to say of a file."""

    def is_clean(file, img_dir):
        code = tool('check_amodal', file, '--img-dir', img_dir)
        text = capsys.readouterr().out
        assert (code == 0) == ('Nothing is wrong.' in text)
        return code == 0

    return is_clean


def read(tmp_path, name):
    return json.loads((tmp_path / name).read_text())


def test_labelme(tool, check, tmp_path, capsys):
    for name in 'abcd':
        write(tmp_path / 'cups', name, pair())
    # twice: its own file in the folder is not read
    for _ in range(2):
        tool('labelme_to_amodal', 'cups', 'cups/all.json')
    assert capsys.readouterr().out.splitlines()[-3:] == [
        'labelme: 4 images (0 without objects), 8 objects (4 occluded, 0 fully '
        'hidden); left out: nothing',
        '2 classes: cup (4), plate (4)',
        'cups/all.json: 4 images, 8 objects',
    ]
    assert check('cups/all.json', 'cups')
    rates = [
        each['occlude_rate'] for each in read(tmp_path, 'cups/all.json')['annotations']
    ]
    assert rates == pytest.approx([49 / 200, 0] * 4)
    tool('labelme_to_amodal', 'cups', 'cups/all.json', '--front', 'first')
    rates = [
        each['occlude_rate'] for each in read(tmp_path, 'cups/all.json')['annotations']
    ]
    assert rates == pytest.approx([0, 0.49] * 4)


def test_split_and_classes(tool, check, tmp_path, capsys):
    for name in 'abcde':
        write(tmp_path / 'cups', name, [*pair(), shape('hand', CUP)])
    options = '--val-fraction', 0.4, '--classes', 'plate', 'cup'
    tool('labelme_to_amodal', 'cups', 'out/set.json', *options)
    assert capsys.readouterr().out.splitlines() == [
        'labelme: 5 images (0 without objects), 10 objects (10 occluded, 5 fully '
        'hidden); left out: 5 with a name not in the list; most frequent names not in '
        'the list: hand (5)',
        '2 classes: plate (5), cup (5)',
        'out/set_train.json: 3 images, 6 objects',
        'out/set_val.json: 2 images, 4 objects',
    ]
    parts = [read(tmp_path, f'out/set_{part}.json') for part in ('train', 'val')]
    names = [{image['file_name'] for image in part['images']} for part in parts]
    assert names[0] | names[1] == {f'{name}.png' for name in 'abcde'}
    assert not names[0] & names[1]
    for part in parts:
        assert [each['name'] for each in part['categories']] == ['plate', 'cup']
    assert check('out/set_train.json', 'cups') and check('out/set_val.json', 'cups')


def test_problems_leave_nothing_behind(tool, tmp_path):
    write(tmp_path / 'cups', 'a', [shape('cup', CUP[:2])])
    with pytest.raises(SystemExit, match=r'cups/a.json: shape 1 \(cup\): a polygon'):
        tool('labelme_to_amodal', 'cups', 'out.json')
    assert not (tmp_path / 'out.json').exists()
    file = write(tmp_path / 'cups', 'a', pair())
    text = file.read_text()
    for src in ('cups/a.json', 'cups'):
        with pytest.raises(SystemExit, match='would overwrite the input cups/a.json'):
            tool('labelme_to_amodal', src, 'cups/a.json')
    assert file.read_text() == text


@pytest.mark.parametrize('share', ['1', '-0.1', 'x'])
def test_shares_that_are_none(tool, share, capsys):
    with pytest.raises(SystemExit):
        tool('labelme_to_amodal', 'cups', 'out.json', '--val-fraction', share)
    assert '--val-fraction' in capsys.readouterr().err


def test_cvat(tool, check, tmp_path, capsys):
    shapes = cvat.polygon('plate', cvat.PLATE), cvat.polygon('cup', cvat.CUP, 1)
    images = []
    for subset, name in (('train', 'a'), ('train', 'b'), ('val', 'c')):
        cvat.write_image(tmp_path / 'cups' / 'images' / subset / f'{name}.jpg')
        images.append(cvat.image(f'{name}.jpg', *shapes, subset=subset))
    cvat.write(tmp_path / 'cups' / 'annotations.xml', *images)
    tool('cvat_to_amodal', 'cups/annotations.xml', 'cups/all.json')
    assert capsys.readouterr().out.splitlines() == [
        'CVAT: 3 images (0 without objects), 6 objects (3 occluded, 0 fully hidden); '
        'left out: nothing',
        '2 classes: cup (3), plate (3)',
        'cups/all_train.json: 2 images, 4 objects',
        'cups/all_val.json: 1 images, 2 objects',
    ]
    assert check('cups/all_train.json', 'cups/images')
    assert check('cups/all_val.json', 'cups/images')
    tool('cvat_to_amodal', 'cups', 'cups/all.json', '--val-fraction', 0)
    assert len(read(tmp_path, 'cups/all.json')['images']) == 3


def test_cvat_without_layers(tool, check, tmp_path, capsys):
    cvat.write_image(tmp_path / 'a.jpg')
    shapes = cvat.polygon('cup', cvat.CUP), cvat.polygon('plate', cvat.PLATE)
    cvat.write(tmp_path / 'a.xml', cvat.image('a.jpg', *shapes))
    with pytest.raises(SystemExit) as caught:
        tool('cvat_to_amodal', 'a.xml', 'a.json')
    assert str(caught.value).splitlines() == [
        '1 pairs of objects overlap, and nothing says which is in front: put them in '
        'order, or accept a guess by --unordered:',
        '  a.xml: image a.jpg: shape 1 (cup) and shape 2 (plate) (49 pixels)',
    ]
    assert not (tmp_path / 'a.json').exists()
    for guess, rates in (('later', [0.49, 0]), ('smaller', [0, 49 / 200])):
        tool('cvat_to_amodal', 'a.xml', 'a.json', '--unordered', guess)
        assert f'1 times guessed that the {guess} of two' in capsys.readouterr().out
        annotations = read(tmp_path, 'a.json')['annotations']
        assert [each['occlude_rate'] for each in annotations] == pytest.approx(rates)
        assert check('a.json', '.')


def coco(tmp_path, **orders):
    cvat.write_image(tmp_path / 'images' / 'a.jpg')
    boxes = dict(plate=[5, 5, 25, 5, 25, 15, 5, 15], cup=[2, 2, 12, 2, 12, 12, 2, 12])
    content = dict(
        images=[dict(id=1, file_name='a.jpg', height=20, width=30)],
        annotations=[
            dict(id=number, image_id=1, category_id=number + 3, segmentation=[box])
            | {key: values[number] for key, values in orders.items()}
            for number, box in enumerate(boxes.values())
        ],
        categories=[dict(id=3, name='plate'), dict(id=4, name='cup')],
    )
    (tmp_path / 'coco.json').write_text(json.dumps(content))


def test_coco(tool, check, tmp_path, capsys):
    coco(tmp_path, isfront=(0, 1))
    order = '--order-key', 'isfront', '--front', 'high'
    tool('coco_to_amodal', 'coco.json', 'out.json', *order, '--classes', 'plate')
    assert capsys.readouterr().out.splitlines() == [
        'COCO: 1 images (0 without objects), 1 objects (1 occluded, 0 fully hidden); '
        'left out: 1 with a name not in the list; most frequent names not in the list: '
        'cup (1)',
        '1 classes: plate (1)',
        'out.json: 1 images, 1 objects',
    ]
    (plate,) = read(tmp_path, 'out.json')['annotations']
    assert (plate['category_id'], plate['occlude_rate']) == (3, pytest.approx(49 / 200))
    assert check('out.json', 'images')


def test_coco_refuses(tool, tmp_path, capsys):
    coco(tmp_path)
    with pytest.raises(
        SystemExit, match=r'a.jpg: annotation 0 \(plate\) and annotation'
    ):
        tool('coco_to_amodal', 'coco.json', 'out.json')
    with pytest.raises(
        SystemExit, match=r"--classes \['fork'\] are not among \['plate"
    ):
        tool('coco_to_amodal', 'coco.json', 'out.json', '--classes', 'cup', 'fork')
    for option in (('--order-key', 'z'), ('--front', 'low')):
        with pytest.raises(SystemExit):
            tool('coco_to_amodal', 'coco.json', 'out.json', *option)
        assert '--order-key and --front need each other' in capsys.readouterr().err
    with pytest.raises(SystemExit, match='would overwrite the input coco.json'):
        tool('coco_to_amodal', 'coco.json', 'coco.json')
    with pytest.raises(SystemExit, match='none.json: annotation file not found'):
        tool('coco_to_amodal', 'none.json', 'out.json')
