import cv2
import numpy as np
import pytest

from oaformer.visualization.report.cards import ImageError, read_image_of

IMAGE = dict(height=120, width=160)


def test_image_is_rgb(tmp_path):
    path = tmp_path / 'red.png'
    cv2.imwrite(str(path), np.full((120, 160, 3), (0, 0, 255), np.uint8))
    assert read_image_of(path, IMAGE)[0, 0].tolist() == [255, 0, 0]


def test_what_is_wrong_is_said(tmp_path):
    with pytest.raises(ImageError, match='not found: .*absent.png'):
        read_image_of(tmp_path / 'absent.png', IMAGE)
    for content in ('no image', ''):
        (tmp_path / 'text.png').write_text(content)
        with pytest.raises(ImageError, match='text.png could not be read'):
            read_image_of(tmp_path / 'text.png', IMAGE)
    cv2.imwrite(str(tmp_path / 'small.png'), np.zeros((12, 16, 3), np.uint8))
    with pytest.raises(ImageError, match='is 16 x 12 pixels.*says 160 x 120'):
        read_image_of(tmp_path / 'small.png', IMAGE)
