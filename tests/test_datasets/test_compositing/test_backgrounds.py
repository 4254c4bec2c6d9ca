import json

import cv2
import numpy as np
import pytest
from compositing_cases import write_data_set

from oaformer.datasets.compositing import Backgrounds, CutOutSource
from oaformer.datasets.compositing.backgrounds import free_window


def backgrounds(kind, folder, occlusion=True, change=None):
    """Backgrounds of 48 x 64 pixels from a data set in ``folder``."""
    path = write_data_set(folder, occlusion)
    if change is not None:
        content = json.loads(path.read_text())
        change(content['annotations'])
        path.write_text(json.dumps(content))
    return Backgrounds(str(kind), CutOutSource(str(path), str(folder)), (48, 64))


@pytest.mark.parametrize('seed', range(10))
def test_a_window_is_free_and_has_the_shape_asked_for(seed):
    rng = np.random.default_rng(seed)
    free = (rng.random((120, 160)) > 0.0005).astype(np.uint8)
    rows, columns = free_window(rng, free, (48, 64))
    assert free[rows, columns].all()
    height, width = rows.stop - rows.start, columns.stop - columns.start
    assert height / width == pytest.approx(0.75, rel=0.06)
    # one pixel, a hundredth of the height, is kept from what is annotated
    around = free[rows.start - 1 : rows.stop + 1, columns.start - 1 : columns.stop + 1]
    assert around.all()


def test_no_window():
    rng = np.random.default_rng(0)
    assert free_window(rng, np.zeros((50, 60), np.uint8), (48, 64)) is None
    rows, _ = free_window(rng, np.ones((60, 80), np.uint8), (48, 64))
    assert rows.stop - rows.start == 30


def test_a_patch_shows_nothing_annotated(tmp_path):
    # objects are at least 120 bright, the rest at most 90
    drawn = backgrounds('patch', tmp_path)
    rng = np.random.default_rng(0)
    for _ in range(10):
        background = drawn.draw(rng)
        assert background.image.shape == (48, 64, 3)
        assert background.image.max() < 100
        assert background.objects == []
        assert background.origin['background'] == 'patch'
        assert background.origin['source_file_name'].endswith('.png')


def test_where_everything_is_annotated_a_patch_is_noise(tmp_path):
    def cover(annotations):
        for annotation in annotations[::3]:
            for key in ('visible_mask', 'occlude_rate'):
                del annotation[key]
            annotation['segmentation'] = [[0, 0, 80, 0, 80, 60, 0, 60]]

    background = backgrounds('patch', tmp_path, change=cover)
    background = background.draw(np.random.default_rng(0))
    assert background.origin == dict(background='noise')


def test_source_images_keep_their_objects(tmp_path):
    background = backgrounds('source', tmp_path).draw(np.random.default_rng(0))
    name = background.origin['source_file_name']
    np.testing.assert_array_equal(background.image, cv2.imread(str(tmp_path / name)))
    # depth 0 is the last of the file; the first is hidden by a quarter
    assert background.num_ordered == 3
    ids = [one.fields['source_annotation_id'] for one in background.objects]
    assert ids == sorted(ids, reverse=True)
    assert [one.occlusion_rate for one in background.objects] == [0, 0, 0.25]


def test_source_images_without_a_known_order(tmp_path):
    def change(annotations):
        for first in range(0, 9, 3):
            del annotations[first + 1]['occl_depth']
            annotations[first + 2]['iscrowd'] = True

    background = backgrounds('source', tmp_path, change=change)
    background = background.draw(np.random.default_rng(0))
    assert background.num_ordered == 0
    assert [one.ignored for one in background.objects] == [False, False, True]
    assert background.objects[2].fields['iscrowd'] == 1


def test_plain_files_have_no_source_images(tmp_path):
    with pytest.raises(ValueError, match='does not annotate occlusion'):
        backgrounds('source', tmp_path, occlusion=False)


def rates_only(annotations):
    """Take the masks of what is visible away, and hide all by 0.4."""
    for annotation in annotations:
        annotation.pop('visible_mask', None)
        annotation['occlude_rate'] = 0.4


def test_images_with_rates_only_are_no_source_images(tmp_path):
    # the last three objects are those of the third image
    drawn = backgrounds('source', tmp_path, change=lambda all: rates_only(all[:-3]))
    scenes = [drawn.draw(np.random.default_rng(seed)) for seed in range(9)]
    assert {scene.origin['source_file_name'] for scene in scenes} == {'3.png'}

    def change(annotations):
        rates_only(annotations)
        # one for each image is hidden, one object can be cut out
        annotations[0]['occlude_rate'] = 0

    with pytest.raises(ValueError, match='does not annotate by masks what is hidden'):
        backgrounds('source', tmp_path, change=change)


def test_a_folder_of_images(tmp_path):
    folder = tmp_path / 'empty scenes'
    with pytest.raises(ValueError, match='folder not found: .*empty scenes'):
        backgrounds(folder, tmp_path)
    folder.mkdir()
    (folder / 'notes.txt').write_text('')
    with pytest.raises(ValueError, match='has no images'):
        backgrounds(folder, tmp_path)
    for name, size in (('a.png', (30, 200, 3)), ('b.JPG', (100, 70, 3))):
        cv2.imwrite(str(folder / name), np.full(size, 77, np.uint8))
    source = backgrounds(folder, tmp_path)
    drawn = [source.draw(np.random.default_rng(seed)) for seed in range(8)]
    assert {one.origin['source_file_name'] for one in drawn} == {'a.png', 'b.JPG'}
    assert all(one.image.shape == (48, 64, 3) for one in drawn)
