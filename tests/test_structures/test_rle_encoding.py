import numpy as np
import pycocotools.mask as mask_util
import pytest

from oaformer.structures import encode_masks
from oaformer.structures.rle import with_str_counts
from oaformer.structures.rle_encoding import encode_region

LARGE = (1440, 1920)


def plainly_encoded(masks):
    """By pycocotools, from the whole bitmaps."""
    columns_first = np.asfortranarray((masks != 0).transpose(1, 2, 0), dtype=np.uint8)
    return [with_str_counts(rle) for rle in mask_util.encode(columns_first)]


def random_masks(rng, height, width):
    """Noise of any density in a part of the image, often at its edges."""
    masks = rng.random((4, height, width)) < rng.random((4, 1, 1))
    for mask in masks:
        top, bottom = np.sort(rng.integers(0, height + 1, 2))
        left, right = np.sort(rng.integers(0, width + 1, 2))
        if rng.random() < 0.5:
            mask[:top], mask[bottom:] = False, False
        if rng.random() < 0.5:
            mask[:, :left], mask[:, right:] = False, False
    return masks


def blob(radius, centre=(700, 900)):
    y, x = np.ogrid[: LARGE[0], : LARGE[1]]
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2


@pytest.mark.parametrize('seed', range(20))
def test_random_masks_byte_for_byte(seed):
    rng = np.random.default_rng(seed)
    for _ in range(100):
        masks = random_masks(rng, *rng.integers(1, 9, 2))
        assert encode_masks(masks) == plainly_encoded(masks)


@pytest.mark.parametrize('height', [1, 2, 7])
@pytest.mark.parametrize('width', [1, 2, 7])
def test_every_edge_of_the_image_byte_for_byte(height, width):
    """All boxes, so that a mask touches any edges, and none."""
    masks = [np.zeros((height, width), bool)]
    for top in range(height):
        for bottom in range(top + 1, height + 1):
            for left in range(width):
                for right in range(left + 1, width + 1):
                    mask = np.zeros((height, width), bool)
                    mask[top:bottom, left:right] = True
                    masks.append(mask)
    masks = np.stack(masks)
    assert encode_masks(masks) == plainly_encoded(masks)
    assert encode_masks(~masks) == plainly_encoded(~masks)


LARGE_MASKS = {
    'empty': np.zeros(LARGE, bool),
    'full': np.ones(LARGE, bool),
    'small': blob(40),
    'wide': blob(400),
    'almost full': blob(2000),
    'corner': blob(300, centre=(0, 0)),
    'lower edge': blob(300, centre=(1439, 1000)),
    'two parts': blob(60) | blob(60, centre=(1300, 1800)),
    'noise': np.random.default_rng(0).random(LARGE) < 0.5,
    'specks': np.random.default_rng(1).random(LARGE) < 0.001,
}


@pytest.mark.parametrize('name', LARGE_MASKS)
def test_large_images_byte_for_byte(name):
    masks = LARGE_MASKS[name][None]
    assert encode_masks(masks) == plainly_encoded(masks)


@pytest.mark.parametrize('dtype', [bool, np.uint8, np.int8, np.int64, np.float32])
def test_any_type_and_any_strides(dtype):
    masks = random_masks(np.random.default_rng(0), 30, 41)
    expected = plainly_encoded(masks)
    values = (masks * np.arange(1, 5)[:, None, None] * -7).astype(dtype)
    before = values.copy()
    assert encode_masks(values) == expected
    np.testing.assert_array_equal(values, before)
    assert encode_masks(np.asfortranarray(values)) == expected
    assert encode_masks(np.flip(np.flip(values, 2).copy(), 2)) == expected
    assert encode_masks(np.repeat(values, 2, axis=2)[:, :, ::2]) == expected


def test_no_masks_and_no_pixels_and_too_few_axes():
    assert encode_masks(np.zeros((0, 5, 6), bool)) == []
    assert encode_masks(np.zeros((1, 0, 6), bool)) == [{'size': [0, 6], 'counts': '0'}]
    assert encode_masks(np.zeros((1, 5, 0), bool)) == [{'size': [5, 0], 'counts': '0'}]
    with pytest.raises(ValueError, match=r'shape \(N, H, W\), not \(5, 6\)'):
        encode_masks(np.zeros((5, 6), bool))


@pytest.mark.parametrize('seed', range(5))
def test_a_region_is_encoded_as_the_whole_image(seed):
    rng = np.random.default_rng(seed)
    for _ in range(200):
        height, width = rng.integers(1, 9, 2)
        top, bottom = np.sort(rng.integers(0, height + 1, 2))
        left, right = np.sort(rng.integers(0, width + 1, 2))
        region = rng.random((bottom - top, right - left)) < rng.random()
        whole = np.zeros((1, height, width), bool)
        whole[0, top:bottom, left:right] = region
        rle = encode_region(region, top, left, height, width)
        assert rle == plainly_encoded(whole)[0]
