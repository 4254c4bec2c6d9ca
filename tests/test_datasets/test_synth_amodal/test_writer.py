import json

import cv2
import numpy as np
import pytest

from oaformer.datasets import SynthAmodalDataset, parse_amodal_annotation
from oaformer.datasets.compositing.writer import composite_annotations
from oaformer.datasets.synth_amodal import CLASSES, draw_scene, write_split
from oaformer.structures import decode_masks


def test_annotations_of_a_scene():
    scene = draw_scene(np.random.default_rng(4), num_objects=(5, 5))
    annotations = composite_annotations(scene, image_id=3, first_id=10)
    assert [a['id'] for a in annotations] == [10, 11, 12, 13, 14]
    assert [a['occl_depth'] for a in annotations] == [0, 1, 2, 3, 4]
    assert any(a['occlude_rate'] > 0 for a in annotations)
    for annotation, one in zip(annotations, scene.objects, strict=True):
        assert annotation['image_id'] == 3
        assert annotation['category_id'] == one.fields['category_id']
        amodal, visible = decode_masks(
            [annotation['segmentation'], annotation['visible_mask']]
        )
        np.testing.assert_array_equal(amodal, one.amodal)
        np.testing.assert_array_equal(visible, one.visible)
        assert annotation['area'] == amodal.sum()
        assert annotation['occlude_rate'] == 1 - visible.sum() / amodal.sum()
        rows, columns = np.nonzero(amodal)
        left, top, width, height = annotation['bbox']
        assert (left, top) == (columns.min(), rows.min())
        assert (left + width, top + height) == (columns.max() + 1, rows.max() + 1)
        # As in D2SA, there is an invisible mask where something is hidden.
        assert ('invisible_mask' in annotation) == (annotation['occlude_rate'] > 0)
        if 'invisible_mask' in annotation:
            invisible = decode_masks([annotation['invisible_mask']])[0]
            np.testing.assert_array_equal(visible + invisible, amodal)
        assert parse_amodal_annotation(annotation, 128, 128).corrections == []


def test_folder_is_laid_out_like_d2sa(tmp_path):
    content = write_split(str(tmp_path), 'train', 3, seed=1, size=64)
    path = tmp_path / 'annotations' / 'train.json'
    assert json.loads(path.read_text()) == content
    assert [c['name'] for c in content['categories']] == list(CLASSES)
    ids = [annotation['id'] for annotation in content['annotations']]
    assert ids == list(range(1, len(ids) + 1))
    for index, image in enumerate(content['images']):
        pixels = cv2.imread(str(tmp_path / 'images' / image['file_name']))
        assert pixels.shape == (image['height'], image['width'], 3) == (64, 64, 3)
        expected = draw_scene(np.random.default_rng([1, 0, index]), size=64).image
        np.testing.assert_array_equal(pixels, expected)


def test_splits_and_seeds_differ_and_longer_splits_begin_alike(tmp_path):
    def images(folder, split, number, seed):
        content = write_split(str(tmp_path / folder), split, number, seed, size=48)
        paths = [
            tmp_path / folder / 'images' / image['file_name']
            for image in content['images']
        ]
        return [cv2.imread(str(path)).tobytes() for path in paths]

    short, long = images('a', 'train', 4, 0), images('b', 'train', 6, 0)
    assert short == long[:4]
    others = images('a', 'val', 6, 0) + images('a', 'test', 6, 0)
    others += images('c', 'train', 6, 1)
    assert len({*long, *others}) == 24


def test_reads_as_a_data_set(tmp_path):
    content = write_split(str(tmp_path), 'val', 5, size=64)
    dataset = SynthAmodalDataset(
        ann_file='annotations/val.json',
        data_root=str(tmp_path),
        data_prefix=dict(img='images'),
        pipeline=[],
    )
    assert len(dataset) == 5
    assert tuple(dataset.metainfo['classes']) == CLASSES
    instances = [one for image in dataset for one in image['instances']]
    assert len(instances) == len(content['annotations'])


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(OSError):
        write_split(str(tmp_path / 'file'), 'train', 1)
