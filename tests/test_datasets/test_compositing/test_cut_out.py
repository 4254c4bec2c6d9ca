import numpy as np
import pytest
from compositing_cases import one_hot_image, random_shape

from oaformer.datasets.compositing import cut_out


def test_a_square_by_hand():
    mask = np.zeros((7, 8), np.uint8)
    mask[2:5, 3:6] = 1
    image = np.full((7, 8, 3), 9, np.uint8)
    image[2:5, 3:6] = 200
    cut = cut_out(image, mask)
    assert cut.mask.tolist() == [[1] * 3] * 3
    # nothing of the old image comes along
    assert (cut.pixels == 200).all() and cut.pixels.shape == (3, 3, 3)


@pytest.mark.parametrize('scale', [1, 0.83, 0.5, 0.3])
def test_colors_are_the_objects_alone_and_the_mask_is_tight(scale):
    for seed in range(8):
        mask = random_shape(np.random.default_rng(seed))
        cut = cut_out(one_hot_image(0, mask, 3), mask, scale)
        assert (cut.pixels[..., 0] > 0.999).all()
        assert cut.mask.sum() == pytest.approx(mask.sum() * scale**2, rel=0.15)
        for side in (cut.mask[0], cut.mask[-1], cut.mask[:, 0], cut.mask[:, -1]):
            assert side.any()


def test_something_thin_keeps_a_pixel():
    mask = np.zeros((40, 40), np.uint8)
    mask[20, 4:36] = 1
    assert cut_out(np.zeros((40, 40, 3), np.uint8), mask, 0.1).mask.sum() >= 1
