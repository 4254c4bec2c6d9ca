import cv2
import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile

from oaformer.datasets.images import ImageError, name_hint, read_image


def test_image_is_read_as_bgr(tmp_path):
    path = tmp_path / 'image.png'
    image = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    cv2.imwrite(str(path), image)
    assert np.array_equal(read_image(path), image)
    grey = read_image(path, LoadImageFromFile(color_type='grayscale'))
    assert grey.shape == (3, 4)


@pytest.mark.parametrize('content', [b'', b'no image', b'\x89PNG\r\n\x1a\n'])
def test_what_is_not_an_image(tmp_path, content):
    path = tmp_path / 'file.png'
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r'file\.png could not be read as an image'):
        read_image(path)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'not found: .*absent\.png'):
        read_image(tmp_path / 'absent.png')


@pytest.mark.parametrize(
    ('written', 'on_disk'),
    [
        ('set\\a.png', 'set/a.png'),
        ('caf\u00e9.png', 'cafe\u0301.png'),
        ('cafe\u0301.png', 'caf\u00e9.png'),
        ('a%20b%25.png', 'a b%.png'),
        ('a.png ', 'a.png'),
    ],
)
def test_a_name_that_another_system_wrote_is_hinted_at(tmp_path, written, on_disk):
    path = tmp_path / on_disk
    path.parent.mkdir(exist_ok=True)
    path.touch()
    with pytest.raises(FileNotFoundError) as caught:
        read_image(tmp_path / written)
    assert f'{str(path)!a} is there: write the file_name' in str(caught.value)
    # a name that is right, however odd, needs none
    assert name_hint(path) == ''
