import numpy as np
import pytest
from compositing_cases import one_hot_image, random_shape

from oaformer.datasets.compositing import cut_out
from oaformer.datasets.compositing.cut_out import OWNER_SHARE


def test_a_square_by_hand():
    mask = np.zeros((7, 8), np.uint8)
    mask[2:5, 3:6] = 1
    image = np.full((7, 8, 3), 9, np.uint8)
    image[2:5, 3:6] = 200
    cut = cut_out(image, mask)
    assert cut.mask.tolist() == [[1] * 3] * 3
    # nothing of the old image comes along
    assert (cut.pixels == 200).all() and cut.pixels.shape == (5, 5, 3)
    # half a pixel inside the edge 0.75, half a pixel outside 0.25
    corner = 0.5 + (0.5 - np.sqrt(2)) / 2
    expected = [
        [corner, 0.25, 0.25, 0.25, corner],
        [0.25, 0.75, 0.75, 0.75, 0.25],
        [0.25, 0.75, 1.0, 0.75, 0.25],
        [0.25, 0.75, 0.75, 0.75, 0.25],
        [corner, 0.25, 0.25, 0.25, corner],
    ]
    np.testing.assert_allclose(cut.alpha, expected, atol=1e-6)


@pytest.mark.parametrize('scale', [1, 0.83, 0.5, 0.3])
def test_colors_are_the_objects_alone_and_alpha_tells_the_mask(scale):
    for seed in range(8):
        mask = random_shape(np.random.default_rng(seed))
        cut = cut_out(one_hot_image(0, mask, 3), mask, scale)
        assert (cut.pixels[..., 0] > 0.999).all()
        assert cut.mask.sum() == pytest.approx(mask.sum() * scale**2, rel=0.15)
        for side in (cut.mask[0], cut.mask[-1], cut.mask[:, 0], cut.mask[:, -1]):
            assert side.any()
        whole = np.pad(cut.mask, 1) > 0
        assert (cut.alpha[whole] >= OWNER_SHARE).all()
        assert (cut.alpha[~whole] <= np.float32(1 - OWNER_SHARE)).all()


def test_something_thin_keeps_a_pixel():
    mask = np.zeros((40, 40), np.uint8)
    mask[20, 4:36] = 1
    assert cut_out(np.zeros((40, 40, 3), np.uint8), mask, 0.1).mask.sum() >= 1
