import json

import cv2
import numpy as np
import pytest
from compositing_cases import write_data_set

from oaformer.datasets.compositing import Backgrounds, CutOutSource
from oaformer.datasets.compositing.backgrounds import free_window


def source_in(folder, occlusion=True):
    return CutOutSource(str(write_data_set(folder, occlusion)), str(folder))


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
    backgrounds = Backgrounds('patch', source_in(tmp_path), (48, 64))
    rng = np.random.default_rng(0)
    for _ in range(10):
        background = backgrounds.draw(rng)
        assert background.image.shape == (48, 64, 3)
        assert background.image.max() < 100
        assert background.objects == []
        assert background.origin['background'] == 'patch'
        assert background.origin['source_file_name'].endswith('.png')


def test_where_everything_is_annotated_a_patch_is_noise(tmp_path):
    path = write_data_set(tmp_path, True)
    content = json.loads(path.read_text())
    for annotation in content['annotations']:
        if annotation['id'] % 3 == 2:
            for key in ('visible_mask', 'occlude_rate'):
                del annotation[key]
            annotation['segmentation'] = [[0, 0, 80, 0, 80, 60, 0, 60]]
    path.write_text(json.dumps(content))
    source = CutOutSource(str(path), str(tmp_path))
    background = Backgrounds('patch', source).draw(np.random.default_rng(0))
    assert background.origin == dict(background='noise')


def test_source_images_keep_their_objects(tmp_path):
    backgrounds = Backgrounds('source', source_in(tmp_path))
    background = backgrounds.draw(np.random.default_rng(0))
    name = background.origin['source_file_name']
    np.testing.assert_array_equal(background.image, cv2.imread(str(tmp_path / name)))
    # depth 0 is the last of the file; the first is hidden by a quarter
    assert background.ordered
    ids = [one.fields['source_annotation_id'] for one in background.objects]
    assert ids == sorted(ids, reverse=True)
    assert [one.occlusion_rate for one in background.objects] == [0, 0, 0.25]


def test_source_images_without_a_known_order(tmp_path):
    path = write_data_set(tmp_path, True, number=1)
    content = json.loads(path.read_text())
    del content['annotations'][1]['occl_depth']
    content['annotations'][2]['iscrowd'] = True
    path.write_text(json.dumps(content))
    source = CutOutSource(str(path), str(tmp_path))
    background = Backgrounds('source', source).draw(np.random.default_rng(0))
    assert not background.ordered
    assert [one.ignored for one in background.objects] == [False, False, True]
    assert background.objects[2].fields['iscrowd'] == 1


def test_plain_files_have_no_source_images(tmp_path):
    with pytest.raises(ValueError, match='does not annotate occlusion'):
        Backgrounds('source', source_in(tmp_path, occlusion=False))


def test_a_folder_of_images(tmp_path):
    source = source_in(tmp_path)
    folder = tmp_path / 'empty scenes'
    with pytest.raises(ValueError, match='folder not found: .*empty scenes'):
        Backgrounds(str(folder), source)
    folder.mkdir()
    (folder / 'notes.txt').write_text('')
    with pytest.raises(ValueError, match='has no images'):
        Backgrounds(str(folder), source)
    for name, size in (('a.png', (30, 200, 3)), ('b.JPG', (100, 70, 3))):
        cv2.imwrite(str(folder / name), np.full(size, 77, np.uint8))
    backgrounds = Backgrounds(str(folder), source, (48, 64))
    drawn = [backgrounds.draw(np.random.default_rng(seed)) for seed in range(8)]
    assert {one.origin['source_file_name'] for one in drawn} == {'a.png', 'b.JPG'}
    assert all(one.image.shape == (48, 64, 3) for one in drawn)
    (folder / 'a.png').write_text('no image')
    with pytest.raises(ValueError, match='a.png could not be read as an image'):
        for seed in range(8):
            backgrounds.draw(np.random.default_rng(seed))
