import json
from copy import deepcopy

import numpy as np
import pytest
from kins_scene import (
    AMODAL,
    AREAS,
    HEIGHT,
    RATES,
    VISIBLE,
    WIDTH,
    bitmap,
    release_2019,
    release_2020,
)

from oaformer.datasets import parse_amodal_annotation
from oaformer.datasets.converters import convert_kins
from oaformer.structures import decode_masks, encode_masks, rle_area

FILE = 'kins_toy.json'
SMALL = encode_masks(np.ones((1, 9, 9), np.uint8))[0]
RELEASES = pytest.mark.parametrize('make', [release_2019, release_2020])
KEYS = {
    release_2019: ('segmentation', 'bbox', 'inmodal_seg', 'inmodal_bbox'),
    release_2020: ('a_segm', 'a_bbox', 'i_segm', 'i_bbox'),
}


def convert(make, **changes):
    """Convert a scene whose first object, the car, has other content."""
    source = make()
    source['annotations'][0].update(changes)
    return convert_kins(source, FILE)


def decode(rle):
    return decode_masks([rle])


@RELEASES
def test_masks_areas_boxes_and_rates(make):
    conversion = convert_kins(make(), FILE)
    content = json.loads(json.dumps(conversion.content))
    objects = content['annotations']
    assert [item['area'] for item in objects] == AREAS
    assert [item['occlude_rate'] for item in objects] == pytest.approx(RATES)
    assert [item['bbox'] for item in objects] == [
        [5, 5, 20, 10],
        [2, 2, 10, 10],
        [3, 3, 5, 5],
        [0, 16, 30, 4],
    ]
    assert [item['iscrowd'] for item in objects] == [0, 0, 0, 0]
    for item, amodal, visible in zip(objects, AMODAL, VISIBLE, strict=True):
        np.testing.assert_array_equal(decode(item['segmentation']), amodal)
        assert ('visible_mask' in item) == (item['occlude_rate'] > 0)
        if 'visible_mask' in item:
            np.testing.assert_array_equal(decode(item['visible_mask']), visible)
            np.testing.assert_array_equal(
                decode(item['invisible_mask']), amodal - visible
            )
        assert parse_amodal_annotation(item, HEIGHT, WIDTH).corrections == []
        assert not item.keys() & {'inmodal_seg', 'inmodal_bbox', 'a_segm', 'i_segm'}
    assert not conversion.skipped and not conversion.corrected


def test_both_releases_convert_to_the_same():
    first, second = (
        convert_kins(make(), FILE).content['annotations']
        for make in (release_2019, release_2020)
    )
    assert [item.pop('oco_id') for item in second] == [1, 1, 1, 2]
    assert [item.pop('ico_id') for item in second] == [2, 1, 3, 0]
    assert first == second


@RELEASES
def test_ids_and_categories_stay(make):
    source = make()
    before = deepcopy(source)
    conversion = convert_kins(source, FILE)
    content = conversion.content
    assert [item['id'] for item in content['annotations']] == [11, 12, 15, 16]
    assert [item['category_id'] for item in content['annotations']] == [4, 2, 1, 7]
    assert content['categories'] == before['categories']
    assert content['images'] == before['images']
    assert source == before
    assert conversion.summary() == (
        f'KINS {make.__name__[-4:]}: 2 images (1 without objects), 4 objects '
        '(2 occluded, 1 fully hidden); left out: nothing'
    )


@RELEASES
def test_other_keys_stay_but_for_those_of_the_schema(make):
    amodal, _, visible, _ = KEYS[make]
    stale = dict(visible_mask=SMALL, invisible_mask=SMALL, occlude_rate=0.9)
    whole = {visible: make()['annotations'][0][amodal]}
    conversion = convert(make, **whole, **stale, iscrowd=True, truncated=2)
    car = conversion.content['annotations'][0]
    assert (car['iscrowd'], car['truncated'], car['occlude_rate']) == (1, 2, 0)
    assert not car.keys() & {'visible_mask', 'invisible_mask'}


@RELEASES
def test_flat_polygons_are_read_and_points_and_lines_dropped(make):
    amodal, _, visible, _ = KEYS[make]
    expected = convert_kins(make(), FILE).content
    flat = {amodal: [5, 5, 25, 5, 25, 15, 5, 15]}
    assert convert(make, **flat).content == expected
    whole = convert(make, **flat, **{visible: flat[amodal]})
    assert whole.content['annotations'][0]['occlude_rate'] == 0
    polygons = [[0, 0, 9, 9], *make()['annotations'][0][amodal], [3, 3]]
    conversion = convert(make, **{amodal: polygons})
    assert conversion.content == expected
    assert '; 1 times points or lines dropped from' in conversion.summary()


@RELEASES
@pytest.mark.parametrize(
    ('mask', 'reason'),
    [
        (None, 'without an amodal mask'),
        ([[5, 5, 25, 15]], 'without an amodal mask'),
        ([[3, 3, 9, 3, 6, 3]], 'smaller than a pixel'),
    ],
)
def test_objects_without_a_pixel_are_left_out_and_counted(make, mask, reason):
    conversion = convert(make, **{KEYS[make][0]: mask})
    assert [item['id'] for item in conversion.content['annotations']] == [12, 15, 16]
    assert conversion.skipped == {reason: 1}
    assert f'left out: 1 {reason}' in conversion.summary()
    assert not conversion.corrected


@RELEASES
@pytest.mark.parametrize('mask', [[], None, {}, [[5, 5, 9, 9]]])
def test_nothing_visible_is_fully_hidden_unless_the_box_says_otherwise(make, mask):
    _, _, visible, visible_bbox = KEYS[make]
    for box in ([0, 0, 0, 0], [6, 6, 0, 3], [], None):
        car = convert(make, **{visible: mask, visible_bbox: box}).content[
            'annotations'
        ][0]
        assert car['occlude_rate'] == 1
        assert rle_area(car['visible_mask']) == 0
        assert car['invisible_mask'] == car['segmentation']
    lost = convert(make, **{visible: mask})
    assert lost.skipped == {'with a visible box but no visible mask': 1}
    assert len(lost.content['annotations']) == 3


@RELEASES
def test_visible_mask_is_cut_to_the_amodal_one(make):
    wide = encode_masks(bitmap((5, 5, 30, 15), without=[(5, 5, 12, 12)]))[0]
    conversion = convert(make, **{KEYS[make][2]: wide})
    assert conversion.content == convert_kins(make(), FILE).content
    assert conversion.corrected == {'visible mask cut to the amodal mask': 1}


@RELEASES
@pytest.mark.parametrize(
    ('shift', 'counted'), [((-1, 0), 0), ((-6, 0), 1), ((0, -8), 1), ((0, 7), 1)]
)
def test_every_edge_of_the_image_counts(make, shift, counted):
    amodal = KEYS[make][0]
    square = np.array([[0, 5], [10, 5], [10, 15], [0, 15]]) + shift
    conversion = convert(make, **{amodal: [square.ravel().tolist()]})
    assert conversion.corrected[f'"{amodal}" cut at the edge of the image'] == counted


@RELEASES
@pytest.mark.parametrize(
    ('box', 'counted'),
    [([5, 5, 20, 10], 0), ([6, 6, 20, 9], 0), ([5, 5, 22, 10], 1), (None, 0)],
)
def test_a_box_that_is_not_the_masks_is_counted(make, box, counted):
    conversion = convert(make, **{KEYS[make][1]: box})
    assert conversion.content['annotations'][0]['bbox'] == [5, 5, 20, 10]
    assert conversion.corrected['box recomputed from the amodal mask'] == counted


@RELEASES
def test_repeated_annotations_and_ids(make):
    source = make()
    car, pedestrian = source['annotations'][:2]
    nameless = {key: car[key] for key in car if key != 'id'}
    source['annotations'] += [dict(car), dict(pedestrian, id=11), nameless]
    conversion = convert_kins(source, FILE)
    assert conversion.skipped == {'repeated': 1}
    assert conversion.corrected == {'a new id in place of a missing or repeated one': 2}
    objects = conversion.content['annotations']
    assert [item['id'] for item in objects] == [11, 12, 15, 16, 17, 18]
    assert [item['area'] for item in objects[-2:]] == [100, 200]


BROKEN = {
    'no categories': (lambda s: s.pop('categories'), "has no 'categories'"),
    'no release': (lambda s: s.update(annotations=[]), 'KINS file as released'),
    'both releases': (
        lambda s: s.update(
            annotations=[
                release_2019()['annotations'][0],
                release_2020()['annotations'][1],
            ]
        ),
        'mixes both.*annotation 11 is of 2019, annotation 12 is of 2020',
    ),
    'unknown image': (
        lambda s: s['annotations'][1].update(image_id=99),
        r'annotation 12 \(image 99\): image_id 99 not found',
    ),
}


@RELEASES
@pytest.mark.parametrize('name', BROKEN)
def test_bad_file_names_itself_and_the_place(make, name):
    change, words = BROKEN[name]
    source = make()
    change(source)
    with pytest.raises(ValueError, match=words) as caught:
        convert_kins(source, FILE)
    assert str(caught.value).startswith(FILE)


@RELEASES
@pytest.mark.parametrize('which', ['amodal', 'visible'])
@pytest.mark.parametrize(
    ('mask', 'words'),
    [
        (SMALL, 'the RLE is 9 x 9.*20 x 30'),
        (dict(size=[HEIGHT, WIDTH], counts='0'), 'corrupt'),
        ([[1, 2, 3, 4, 5, 6, 7]], '7 numbers'),
        ('somewhere', 'not str'),
    ],
)
def test_bad_mask_names_file_annotation_and_key(make, which, mask, words):
    key = KEYS[make][0 if which == 'amodal' else 2]
    with pytest.raises(ValueError, match=words) as caught:
        convert(make, **{key: mask})
    assert f'{FILE}: annotation 11 (image 7): "{key}"' in str(caught.value)


@RELEASES
@pytest.mark.parametrize('which', [0, 2])
def test_missing_mask_is_an_error(make, which):
    source, key = make(), KEYS[make][which]
    del source['annotations'][0][key]
    with pytest.raises(ValueError, match=f'annotation 11 .*"{key}" is missing'):
        convert_kins(source, FILE)


@pytest.mark.parametrize('entry', [None, 'text', [1]])
def test_an_annotation_that_is_no_object_is_named(entry):
    source = dict(images=[], categories=[], annotations=[{}, entry])
    with pytest.raises(ValueError, match='k.json: annotation at position 1 is'):
        convert_kins(source, 'k.json')
