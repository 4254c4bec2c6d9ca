import numpy as np
import pytest
from PIL import Image

from oaformer.datasets.annotation_check import find_img_dir, read_image_files
from oaformer.datasets.images import read_image


def save(path, height=4, width=6, **kwargs):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(path, **kwargs)


def test_sizes_and_what_cannot_be_read(tmp_path):
    save(tmp_path / 'a.jpg')
    save(tmp_path / 'deep/b.png', 3, 2)
    (tmp_path / 'broken.jpg').write_bytes(b'no image')
    names = ['a.jpg', 'deep/b.png', 'broken.jpg', 'c.jpg', 'deep', 'a.jpg']
    images = read_image_files(names, tmp_path)
    assert [image.size for image in images.values()] == [
        (4, 6),
        (3, 2),
        None,
        None,
        None,
    ]
    assert 'cannot be read' in images['broken.jpg'].error
    assert images['c.jpg'].error == f'{tmp_path}/c.jpg not found'


@pytest.mark.parametrize('name', ['a.jpg', 'a.png', 'a.webp', 'a.tif'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_size_is_that_of_the_loader(tmp_path, orientation, name):
    """Cameras turn images by a note in the header, which the loader may heed."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(tmp_path / name, exif=exif)
    size = read_image(tmp_path / name).shape[:2]
    assert read_image_files([name], tmp_path)[name].size == size
    if name == 'a.jpg':
        assert size == ((6, 4) if orientation > 4 else (4, 6))


def test_more_than_8_bits_are_seen(tmp_path):
    Image.fromarray(np.full((4, 6), 900, np.uint16)).save(tmp_path / 'a.png')
    save(tmp_path / 'b.png')
    files = read_image_files(['a.png', 'b.png'], tmp_path)
    assert [file.is_deep for file in files.values()] == [True, False]
    # 900 of 65535
    assert read_image(tmp_path / 'a.png').max() == 3


@pytest.mark.parametrize(
    ('ann_file', 'image', 'folder'),
    [
        ('val.json', 'b.jpg', '.'),
        ('val.json', 'images/b.jpg', 'images'),
        ('annotations/val.json', 'images/b.jpg', 'images'),
        ('annotations/val.json', 'val2014/b.jpg', 'val2014'),
        ('d2s_amodal_annotations_v1/val.json', 'd2s_v1/images/b.jpg', 'd2s_v1/images'),
        ('annotations/val.json', 'testing/image_2/b.jpg', 'testing/image_2'),
        # not everything above is searched
        ('other/val.json', 'images/b.jpg', None),
        ('val.json', 'images/c.jpg', None),
    ],
)
def test_folder_of_the_images_is_found(tmp_path, ann_file, image, folder):
    save(tmp_path / image)
    (tmp_path / ann_file).parent.mkdir(exist_ok=True)
    found = find_img_dir(tmp_path / ann_file, ['a.jpg', 'b.jpg'])
    assert found == (None if folder is None else tmp_path / folder)


def test_a_name_that_is_too_long_is_not_found(tmp_path):
    save(tmp_path / 'b.jpg')
    assert find_img_dir(tmp_path / 'val.json', ['x' * 300, 'b.jpg']) == tmp_path
    assert read_image_files(['x' * 300], tmp_path)['x' * 300].size is None


def test_a_name_that_another_system_wrote_is_hinted_at(tmp_path):
    save(tmp_path / 'images' / 'b.jpg')
    file = read_image_files(['images\\b.jpg'], tmp_path)['images\\b.jpg']
    assert "images/b.jpg' is there" in file.error
