import numpy as np
import pycocotools.mask as mask_util
import pytest

from oaformer.structures import (
    decode_masks,
    encode_masks,
    rle_area,
    rle_areas,
    rle_bbox,
    rle_difference,
    rle_intersection,
    rle_union,
    to_rle,
)
from oaformer.structures.rle import counts_of, decode_columns

# a 3 x 4 mask and its run lengths, down the columns, outside first
MASK = np.array([[0, 1, 1, 0], [0, 1, 0, 0], [1, 1, 0, 0]], dtype=np.uint8)
RUNS = [2, 5, 5]


def random_masks(seed, count=8, height=37, width=53):
    rng = np.random.default_rng(seed)
    masks = rng.random((count, height, width)) < rng.random((count, 1, 1)) ** 2
    masks[0], masks[1] = False, True
    return masks


def test_known_mask():
    rle = encode_masks(MASK[None])[0]
    assert rle['size'] == [3, 4]
    assert isinstance(rle['counts'], str)
    assert counts_of(rle).tolist() == RUNS
    assert rle_area(rle) == 5
    assert rle_bbox(rle) == [0, 0, 3, 3]


def test_areas_and_pixels():
    # more than pycocotools' areas can count
    masks = random_masks(0, count=300, height=9, width=7)
    rles = encode_masks(masks)
    np.testing.assert_array_equal(decode_masks(rles), masks)
    assert rle_areas(rles) == masks.sum(axis=(1, 2)).tolist()
    assert rle_areas([]) == []
    assert decode_masks([], 5, 6).shape == (0, 5, 6)


def test_counts_of_equals_pycocotools_runs():
    for mask in random_masks(1, height=300, width=400):
        flat = mask.T.reshape(-1)
        edges = np.flatnonzero(np.diff(flat)) + 1
        runs = np.diff(np.concatenate(([0], edges, [flat.size])))
        if flat[0]:
            runs = np.concatenate(([0], runs))
        assert counts_of(encode_masks(mask[None])[0]).tolist() == runs.tolist()


def test_set_operations_are_encoded_as_their_pixels():
    masks = random_masks(3)
    rles = encode_masks(masks)
    for first, a in zip(masks, rles, strict=True):
        for second, b in zip(masks, rles, strict=True):
            both, rest, either = encode_masks(
                np.stack([first & second, first & ~second, first | second])
            )
            assert rle_intersection(a, b) == both
            assert rle_difference(a, b) == rest
            assert rle_union(a, b) == either
    assert rle_union(*rles[2:]) == encode_masks(masks[2:].any(axis=0)[None])[0]
    assert rle_union(rles[2]) == rles[2]


def test_difference_of_masks_with_runs_of_no_length():
    # columns 1 and 2 of 2 x 4 pixels in one run and in two
    one, two = ([2, 4, 2], [2, 2, 0, 2, 2, 0])
    column = to_rle(dict(size=[2, 4], counts=[2, 2, 4]), 2, 4)
    expected = to_rle(dict(size=[2, 4], counts=[4, 2, 2]), 2, 4)
    for runs in (one, two):
        both = to_rle(dict(size=[2, 4], counts=runs), 2, 4)
        assert rle_difference(both, column) == expected
        assert decode_masks([rle_difference(column, both)]).sum() == 0


@pytest.mark.parametrize(
    'form', ['str', 'bytes', 'runs', 'polygons', 'flat polygon', 'two polygons']
)
def test_every_encoding_becomes_the_same_rle(form):
    mask = np.zeros((20, 30), dtype=np.uint8)
    mask[5:15, 10:20] = 1
    compressed = mask_util.encode(np.asfortranarray(mask))
    polygon = [10, 5, 20, 5, 20, 15, 10, 15]
    segmentation = {
        'str': {'size': [20, 30], 'counts': compressed['counts'].decode()},
        'bytes': compressed,
        'runs': {'size': [20, 30], 'counts': counts_of(compressed).tolist()},
        'polygons': [polygon],
        'flat polygon': polygon,
        'two polygons': [
            [10, 5, 15, 5, 15, 15, 10, 15],
            [15, 5, 20, 5, 20, 15, 15, 15],
        ],
    }[form]
    rle = to_rle(segmentation, 20, 30)
    assert isinstance(rle['counts'], str)
    np.testing.assert_array_equal(decode_masks([rle])[0], mask)


@pytest.mark.parametrize(
    ('segmentation', 'words'),
    [
        (None, 'not NoneType'),
        ('abc', 'not str'),
        ([], 'empty'),
        ([[]], 'at least three points'),
        ([[1, 2, 3, 4]], 'at least three points'),
        ([[1, 2, 3, 4, 5, 6, 7]], 'at least three points'),
        ([[0, 0, 5, 0, float('nan'), 5]], 'not finite'),
        ([3, 'x'], 'lists of numbers'),
        ({'counts': 'abc'}, '"size" and "counts"'),
        ({'size': [30, 20], 'counts': [600]}, 'its image is 20 x 30'),
        ({'size': [20, 30], 'counts': [599]}, 'corrupt'),
        ({'size': [20, 30], 'counts': [-1, 601]}, 'corrupt'),
        ({'size': [20, 30], 'counts': 'd'}, 'cut off'),
        ({'size': [20, 30], 'counts': '\x01'}, 'cut off'),
        ({'size': [20, 30], 'counts': 'P' * 13 + '0'}, 'too large'),
        ({'size': [20, 30], 'counts': ''}, 'corrupt'),
        ({'size': [20, 30], 'counts': 7}, 'not int'),
    ],
)
def test_bad_encodings_are_refused_in_plain_words(segmentation, words):
    with pytest.raises(ValueError, match=words):
        to_rle(segmentation, 20, 30)


def test_every_single_broken_character_is_noticed_or_harmless():
    """pycocotools reads a corrupt RLE without an error."""
    mask = random_masks(3)[4]
    good = encode_masks(mask[None])[0]
    noticed = 0
    for position in range(len(good['counts'])):
        cut = good['counts'][:position] + good['counts'][position + 1 :]
        try:
            to_rle({'size': good['size'], 'counts': cut}, *mask.shape)
        except ValueError:
            noticed += 1
    # leaving out a run of length 0 difference can keep the sum; next to none do
    assert noticed > 0.95 * len(good['counts'])


@pytest.mark.parametrize('span', [(0, 53), (0, 1), (52, 53), (7, 30), (10, 10)])
def test_decoded_columns_are_a_piece_of_the_whole(span):
    masks = random_masks(4)
    for mask, rle in zip(masks, encode_masks(masks), strict=True):
        columns = decode_columns(rle, *span)
        np.testing.assert_array_equal(columns, mask[:, slice(*span)])
