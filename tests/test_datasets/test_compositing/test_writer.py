import json

import cv2
import numpy as np
import pytest

from oaformer.datasets import AmodalCocoDataset, parse_amodal_annotation
from oaformer.datasets.compositing import Scene, SceneObject, write_composites


def compose_one(rng):
    front, rear = np.zeros((2, 20, 30), np.uint8)
    front[5:15, 5:15] = 1
    rear[5:15, 10:20] = 1
    image = rng.integers(0, 255, (20, 30, 3), dtype=np.uint8)
    objects = [
        SceneObject(front, front, dict(category_id=7, source_annotation_id=3)),
        SceneObject(rear, rear & (1 - front), dict(category_id=4, iscrowd=1)),
    ]
    return Scene(image, objects, 1, dict(background='noise'))


def write(folder, number=2, seed=0, compose_one=compose_one):
    ids, info = dict(cup=4, plate=7), dict(source='a.json')
    return write_composites(
        str(folder), number, seed, compose_one, ids, name='val', info=info
    )


def test_what_is_written(tmp_path):
    content = write(tmp_path / 'new')
    path = tmp_path / 'new' / 'annotations' / 'val.json'
    assert json.loads(path.read_text()) == content
    assert [path.name for path in tmp_path.iterdir()] == ['new']
    assert content['info'] == dict(source='a.json')
    assert content['images'][1] == dict(
        id=2, file_name='val_000002.png', height=20, width=30, background='noise'
    )
    front, rear, *others = content['annotations']
    assert [one['id'] for one in others] == [3, 4]
    assert front['occl_depth'] == 0 and 'occl_depth' not in rear
    assert front['source_annotation_id'] == 3
    assert 'invisible_mask' not in front and 'invisible_mask' in rear
    assert (front['iscrowd'], rear['iscrowd']) == (0, 1)
    assert rear['bbox'] == [10, 5, 10, 10] and rear['area'] == 100
    assert rear['occlude_rate'] == 0.5
    for annotation in content['annotations']:
        assert parse_amodal_annotation(annotation, 20, 30).corrections == []
    dataset = AmodalCocoDataset(
        ann_file='annotations/val.json',
        data_root=str(tmp_path / 'new'),
        data_prefix=dict(img='images'),
        pipeline=[],
    )
    assert len(dataset) == 2 and dataset.metainfo['classes'] == ('cup', 'plate')


def test_pixels_are_kept_and_image_i_is_always_the_same(tmp_path):
    write(tmp_path / 'short', 2, seed=5)
    write(tmp_path / 'long', 4, seed=5)
    write(tmp_path / 'other', 1, seed=6)

    def saved_image(folder, index):
        return cv2.imread(str(tmp_path / folder / 'images' / f'val_{index:06d}.png'))

    for index in (1, 2):
        expected = compose_one(np.random.default_rng([5, index - 1])).image
        np.testing.assert_array_equal(saved_image('short', index), expected)
        np.testing.assert_array_equal(saved_image('long', index), expected)
    assert (saved_image('other', 1) != saved_image('short', 1)).any()


def test_an_interrupted_run_leaves_no_data_set(tmp_path):
    def interrupted(rng):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / 'new', compose_one=interrupted)
    assert list(tmp_path.iterdir()) == []
    write(f'{tmp_path}/new/')
    names = sorted(path.name for path in (tmp_path / 'new' / 'images').iterdir())
    assert names == ['val_000001.png', 'val_000002.png']
