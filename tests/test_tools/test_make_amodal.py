import json
import runpy

import cv2
import numpy as np
import pytest
from compositing_cases import write_data_set

from oaformer.datasets import parse_amodal_annotation
from oaformer.structures import decode_masks


@pytest.fixture
def make(repo_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = repo_root / 'tools' / 'dataset_converters' / 'make_amodal.py'
    tool = runpy.run_path(str(path))['main']

    def run(*args, source='source.json', out_dir='new', number=3):
        tool(
            [
                *(source, '--img-dir', '.', '--out-dir', out_dir),
                *('--number', str(number), *map(str, args)),
            ]
        )
        path = tmp_path / out_dir / 'annotations' / 'train.json'
        return json.loads(path.read_text())

    return run


def test_from_a_plain_file(make, tmp_path, capsys):
    write_data_set(tmp_path, occlusion=False)
    content = make('--size', 80, 60, '--objects', 2, 4, '--occlusion', '0.2-0.6:0.4')
    text = capsys.readouterr().out
    assert 'source.json (plain COCO): 9 of 9 objects are whole; left out: not' in text
    assert '3 images, ' in text and 'backgrounds: 3 patch' in text
    assert 'unoccluded        60.0%' in text and '0.2-0.6           40.0%' in text
    assert content['info'] == dict(source='source.json', seed=0)
    assert [c['name'] for c in content['categories']] == ['cup', 'plate']
    for image in content['images']:
        pixels = cv2.imread(str(tmp_path / 'new' / 'images' / image['file_name']))
        assert pixels.shape == (60, 80, 3)
        own = [a for a in content['annotations'] if a['image_id'] == image['id']]
        assert 2 <= len(own) <= 4
        visible = decode_masks([annotation['visible_mask'] for annotation in own])
        assert visible.sum(0).max() == 1
        # objects are at least 120 bright, the rest at most 90: 0.6 and 0.4 of that
        shown = pixels.max(-1)
        assert (shown[visible.any(0)] >= 0.6 * 120).all()
        for annotation in own:
            assert parse_amodal_annotation(annotation, 60, 80).corrections == []
            rate = annotation['occlude_rate']
            assert rate == 0 or 0.2 <= rate < 0.6


def test_source_images(make, tmp_path):
    write_data_set(tmp_path, occlusion=True)
    options = ('--backgrounds', 'source', '--objects', 1, 1)
    content = make(*options, '--occlusion', '0.1-0.9:0.5')
    for image in content['images']:
        own = [a for a in content['annotations'] if a['image_id'] == image['id']]
        assert [a['occl_depth'] for a in own] == [0, 1, 2, 3]
        new = cv2.imread(str(tmp_path / 'new' / 'images' / image['file_name']))
        old = cv2.imread(str(tmp_path / image['source_file_name']))
        # colors mix in a pixel around the mask
        pasted = decode_masks([own[0]['segmentation']])[0]
        outside = cv2.dilate(pasted, np.ones((3, 3), np.uint8)) == 0
        np.testing.assert_array_equal(new[outside], old[outside])


def test_edges(make, tmp_path):
    write_data_set(tmp_path, occlusion=False)

    def run(name, *edges):
        options = ('--size', 80, 60, '--objects', 1, 1, '--backgrounds', 'noise')
        content = make(*options, '--edges', *edges, out_dir=name, number=8)
        folder = tmp_path / name / 'images'
        images = [
            (folder / each['file_name']).read_bytes() for each in content['images']
        ]
        return images, content['annotations']

    edges = ('rim', 'gaussian', 'poisson')
    by_edge = {edge: run(edge, edge) for edge in edges}
    images, annotations = run('all', *edges)
    # the same labels, and of each image one of the three
    assert all(labels == annotations for _, labels in by_edge.values())
    drawn = [
        [edge for edge in edges if by_edge[edge][0][index] == image]
        for index, image in enumerate(images)
    ]
    assert all(drawn) and {edge for each in drawn for edge in each} == set(edges)


@pytest.mark.parametrize(
    'args, message',
    [
        (['--occlusion', 'half'], "'half' is not LOW-HIGH:SHARE"),
        (['--min-area', '0.9'], 'no object is whole; left out: '),
        (['--backgrounds', 'source'], 'does not annotate occlusion'),
        (['--size', '2', '2', '--backgrounds', 'noise'], 'cannot place 3 objects'),
        (['--out-dir', '.'], 'exists; remove it or name another'),
    ],
)
def test_errors_in_one_line(make, tmp_path, args, message):
    write_data_set(tmp_path, occlusion=False)
    with pytest.raises(SystemExit, match=message):
        make(*args)
    assert not (tmp_path / 'new').exists()


@pytest.mark.parametrize(
    'args, message',
    [
        (['--objects', '4', '2'], '--objects MIN MAX'),
        (['--border', '-1'], 'not be negative'),
        (['--size', '0', '9'], '--number and --size must be positive'),
        (['--backgrounds', 'source', '--size', '9', '9'], 'leave --size out'),
        (['--edges', 'soft'], 'invalid choice'),
    ],
)
def test_wrong_command_lines(make, capsys, args, message):
    with pytest.raises(SystemExit):
        make(*args)
    assert message in capsys.readouterr().err


def test_the_real_cocoa_sample(make, repo_root, sample_data, tmp_path):
    folder = sample_data / 'cocoa_sample'
    path = repo_root / 'tools' / 'dataset_converters' / 'cocoa_to_amodal.py'
    source = folder / 'annotations' / 'COCO_amodal_val2014.json'
    runpy.run_path(str(path))['main']([str(source), str(tmp_path / 'objects.json')])
    content = make(
        *('--img-dir', folder / 'val2014', '--size', 160, 120),
        source='objects.json',
        number=2,
    )
    assert len(content['images']) == 2 and len(content['annotations']) >= 6
    for annotation in content['annotations']:
        assert parse_amodal_annotation(annotation, 120, 160).corrections == []
