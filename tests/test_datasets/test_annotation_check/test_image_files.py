import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, features

from oaformer.datasets.annotation_check import (
    ImageFile,
    find_img_dir,
    image_files,
    read_image_files,
)
from oaformer.datasets.images import ImageError, read_image


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
    for name in ('broken.jpg', 'deep'):
        assert f'{name} could not be read as an image' in images[name].error
    assert images['c.jpg'].error == f'Image not found: {tmp_path}/c.jpg'


def check(folder, name):
    """What the checker knows of a file; its size must be that of the loader."""
    file = read_image_files([name], folder)[name]
    try:
        assert file.size == read_image(folder / name).shape[:2]
    except ImageError as error:
        assert file == ImageFile(None, str(error))
    return file


@pytest.mark.parametrize('orientation', range(10))
@pytest.mark.parametrize(
    'name', ['a.jpg', 'a.mpo', 'a.png', 'a.webp', 'a.tif', 'a.avif', 'a.bmp']
)
def test_size_and_turns_are_those_of_the_loader(tmp_path, orientation, name):
    """Cameras turn images by a note in the header, which the loader may heed."""
    if name == 'a.avif' and not features.check('avif'):
        pytest.skip('Pillow was built without AVIF')
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:20, :30] = 255
    Image.fromarray(pixels).save(tmp_path / name, exif=exif)
    file = check(tmp_path, name)
    read = read_image(tmp_path / name)
    is_turned = read.shape != pixels.shape or abs(read - 1.0 * pixels).max() > 99
    ((kind, message),) = file.warnings or [(None, '')]
    assert is_turned == ('the loader turns the image' in message)
    if name not in ('a.avif', 'a.bmp'):
        assert is_turned == (orientation in range(2, 9))
    # a BMP has no EXIF
    has_note = name != 'a.bmp' and orientation in range(2, 9)
    assert kind == ('turned_image' if has_note else None)


@pytest.mark.parametrize('name', ['a.jpg', 'a.webp'])
def test_a_note_that_the_loader_does_not_heed(tmp_path, name):
    pixels = np.zeros((4, 6, 3), np.uint8)
    xmp = b'<rdf:Description tiff:Orientation="6"/>'
    Image.fromarray(pixels).save(tmp_path / name, xmp=xmp)
    ((kind, message),) = check(tmp_path, name).warnings
    assert kind == 'turned_image' and 'reads the image as it is stored' in message


def test_a_note_after_the_pixels_of_a_png(tmp_path):
    save(tmp_path / 'a.png')
    exif = Image.Exif()
    exif[0x0112] = 6
    data = exif.tobytes().removeprefix(b'Exif\0\0')
    chunk = b'eXIf' + data
    chunk = struct.pack('>I', len(data)) + chunk + struct.pack('>I', zlib.crc32(chunk))
    png = (tmp_path / 'a.png').read_bytes()
    (tmp_path / 'a.png').write_bytes(png[:-12] + chunk + png[-12:])
    file = check(tmp_path, 'a.png')
    assert file.size == (6, 4) and dict(file.warnings).keys() == {'turned_image'}


@pytest.mark.parametrize('shape', [(4, 6), (4, 6, 3), (4, 6, 4)])
@pytest.mark.parametrize('name', ['a.png', 'a.tif'])
def test_more_than_8_bits_are_seen(tmp_path, name, shape):
    cv2.imwrite(str(tmp_path / name), np.full(shape, 900, np.uint16))
    ((kind, message),) = check(tmp_path, name).warnings
    # 900 of 65535, cut or rounded
    assert kind == 'deep_image' and message[-8:] in ('3 of 255', '4 of 255')


@pytest.mark.parametrize('dtype', [np.int32, np.float32, np.float64])
def test_what_only_pillow_reads_is_missing(tmp_path, dtype):
    pixels = np.ones((4, 6), dtype)
    if dtype == np.float64:
        cv2.imwrite(str(tmp_path / 'a.tif'), pixels)
    else:
        Image.fromarray(pixels).save(tmp_path / 'a.tif')
    save(tmp_path / 'a.tga')
    for name in ('a.tif', 'a.tga'):
        assert 'could not be read as an image' in check(tmp_path, name).error


@pytest.mark.parametrize('mode', ['1', 'L', 'P', 'LA', 'RGB', 'RGBA', 'CMYK', 'YCbCr'])
@pytest.mark.parametrize('name', ['a.png', 'a.jpg', 'a.tif', 'a.gif', 'a.webp'])
def test_every_mode_of_8_bits(tmp_path, name, mode):
    try:
        Image.new(mode, (6, 4)).save(tmp_path / name)
    except (OSError, ValueError):
        pytest.skip('Pillow writes no such file')
    file = check(tmp_path, name)
    assert file.size in (None, (4, 6)) and file.warnings == ()


def test_what_only_opencv_reads(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.hdr'), np.ones((4, 6, 3), np.float32))
    assert check(tmp_path, 'a.hdr').size == (4, 6)


@pytest.mark.parametrize('share', [0.02, 0.5, 0.99])
@pytest.mark.parametrize('name', ['a.jpg', 'a.png', 'a.bmp', 'a.tif', 'a.webp'])
def test_files_that_are_cut_off(tmp_path, name, share):
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    path = tmp_path / name
    Image.fromarray(noise).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert check(tmp_path, name).error
    # what follows the image does no harm
    path.write_bytes(content + bytes(9))
    assert check(tmp_path, name).size == (40, 60)


def test_a_whole_jpeg_is_not_decoded(tmp_path, monkeypatch):
    """Decoding takes a hundred times longer than the header."""
    monkeypatch.setattr(image_files, 'read_image', None)
    save(tmp_path / 'a.jpg')
    assert read_image_files(['a.jpg'], tmp_path)['a.jpg'] == ImageFile((4, 6))


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
