import json

import cv2
import numpy as np

from oaformer.datasets import SynthAmodalDataset, parse_amodal_annotation
from oaformer.datasets.synth_amodal import CLASSES, draw_scene, write_split
from oaformer.structures import decode_masks


def test_folder_is_laid_out_like_d2sa(tmp_path):
    content = write_split(str(tmp_path), 'train', 3, seed=1, size=64)
    path = tmp_path / 'annotations' / 'train.json'
    assert json.loads(path.read_text()) == content
    assert [c['name'] for c in content['categories']] == list(CLASSES)
    dataset = SynthAmodalDataset(
        ann_file='annotations/train.json',
        data_root=str(tmp_path),
        data_prefix=dict(img='images'),
        pipeline=[],
    )
    assert len(dataset) == 3 and tuple(dataset.metainfo['classes']) == CLASSES
    ids = [annotation['id'] for annotation in content['annotations']]
    assert ids == list(range(1, len(ids) + 1))
    for annotation in content['annotations']:
        assert parse_amodal_annotation(annotation, 64, 64).corrections == []
        rate = annotation['occlude_rate']
        # As in D2SA, there is an invisible mask where something is hidden.
        assert ('invisible_mask' in annotation) == (rate > 0)
    for index, image in enumerate(content['images']):
        pixels = cv2.imread(str(tmp_path / 'images' / image['file_name']))
        assert pixels.shape == (image['height'], image['width'], 3) == (64, 64, 3)
        scene = draw_scene(np.random.default_rng([1, 0, index]), size=64)
        np.testing.assert_array_equal(pixels, scene.image)
        own = [a for a in content['annotations'] if a['image_id'] == image['id']]
        assert [one['occl_depth'] for one in own] == list(range(len(own)))
        for one, annotation in zip(scene.objects, own, strict=True):
            masks = [annotation['segmentation'], annotation['visible_mask']]
            expected = [one.amodal, one.visible]
            np.testing.assert_array_equal(decode_masks(masks), expected)
            assert annotation['occlude_rate'] == one.occlusion_rate


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


def test_files_are_the_same_with_any_number_of_processes(tmp_path):
    for processes in (1, 2, 3):
        write_split(str(tmp_path / str(processes)), 'val', 40, 5, processes, size=48)
    first, *others = [
        {
            path.relative_to(folder): path.read_bytes()
            for path in folder.rglob('*')
            if path.is_file()
        }
        for folder in sorted(tmp_path.iterdir())
    ]
    assert len(first) == 41
    assert all(files == first for files in others)
