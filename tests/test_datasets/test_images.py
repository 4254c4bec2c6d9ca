import cv2
import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile

from oaformer.datasets.images import ImageError, read_image


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
