import json

import numpy as np
import pytest

from oaformer.datasets import parse_amodal_annotation
from oaformer.datasets.converters import convert_cocoa
from oaformer.structures import decode_masks, encode_masks, rle_area, to_rle

FILE = 'COCO_amodal_toy.json'


def box_polygon(left, top, right, bottom):
    return [left, top, right, top, right, bottom, left, bottom]


def box_mask(left, top, right, bottom):
    mask = np.zeros((1, 20, 30), np.uint8)
    mask[0, top:bottom, left:right] = 1
    return mask


def region(name, box, order, **fields):
    base = dict(name=name, segmentation=box_polygon(*box), order=order, isStuff=0)
    return base | dict(occlude_rate=0) | fields


def occluded(name, box, visible, order, rate):
    """A region of which only the box ``visible`` can be seen."""
    seen = box_mask(*visible)
    return region(
        name,
        box,
        order,
        visible_mask=encode_masks(seen)[0],
        invisible_mask=encode_masks(box_mask(*box) & (1 - seen))[0],
        occlude_rate=rate,
    )


def source(*regions, **fields):
    image = dict(id=7, file_name='a.jpg', height=20, width=30)
    entry = dict(id=3, image_id=7, size=len(regions), regions=list(regions), **fields)
    return dict(images=[image], annotations=[entry])


@pytest.fixture
def toy():
    return source(
        region(' Cup ', (2, 2, 12, 12), 1),
        region('wall', (0, 0, 30, 20), 2, isStuff=1),
        occluded('plate', (5, 5, 25, 15), (12, 5, 25, 15), 3, 0.35),
        depth_constraint='1-3,1-2,3-2',
    )


def test_class_agnostic(toy):
    content = convert_cocoa(toy, FILE).content
    cup, plate = content['annotations']
    assert content['categories'] == [dict(id=1, name='object')]
    assert [cup['category_id'], plate['category_id']] == [1, 1]
    assert [cup['id'], plate['id']] == [1, 2]
    assert [cup['name'], plate['name']] == ['cup', 'plate']
    assert [cup['occl_depth'], plate['occl_depth']] == [0, 2]
    assert [cup['image_id'], plate['image_id']] == [7, 7]
    assert (cup['bbox'], cup['area']) == ([2, 2, 10, 10], 100)
    assert (plate['bbox'], plate['area']) == ([5, 5, 20, 10], 200)
    assert (cup['occlude_rate'], plate['occlude_rate']) == (0, 0.35)
    assert 'visible_mask' not in cup and 'invisible_mask' not in cup
    np.testing.assert_array_equal(
        decode_masks([plate['segmentation'], plate['visible_mask']]),
        np.concatenate([box_mask(5, 5, 25, 15), box_mask(12, 5, 25, 15)]),
    )
    assert rle_area(plate['invisible_mask']) == 70


def test_stuff_is_left_out_and_counted(toy):
    conversion = convert_cocoa(toy, FILE)
    assert conversion.skipped == {'stuff': 1}
    assert 'left out: 1 stuff' in conversion.summary()
    kept = convert_cocoa(toy, FILE, keep_stuff=True)
    assert [a['isStuff'] for a in kept.content['annotations']] == [0, 1, 0]
    assert 'left out: nothing' in kept.summary()


def test_names_become_classes(toy):
    conversion = convert_cocoa(toy, FILE, class_names=['fork', 'CUP'], keep_stuff=True)
    assert conversion.content['categories'] == [
        dict(id=1, name='fork'),
        dict(id=2, name='cup'),
    ]
    (cup,) = conversion.content['annotations']
    assert cup['category_id'] == 2
    assert conversion.unlisted_names == {'plate': 1, 'wall': 1}
    assert '2 with a name not in the list' in conversion.summary()
    assert 'plate (1)' in conversion.summary()


def test_depth_constraint_speaks_of_annotation_ids(toy):
    assert convert_cocoa(toy, FILE).content['images'][0]['depth_constraint'] == '1-2'
    kept = convert_cocoa(toy, FILE, keep_stuff=True).content
    assert kept['images'][0]['depth_constraint'] == '1-3,1-2,3-2'


def test_second_annotator_is_left_out_and_counted(toy):
    toy['annotations'].append(dict(toy['annotations'][0], id=4))
    conversion = convert_cocoa(toy, FILE)
    assert len(conversion.content['annotations']) == 2
    assert conversion.skipped['of a second annotator'] == 3


def test_region_without_a_pixel_is_left_out_and_counted():
    sliver = region('thread', (3, 3, 9, 3), 1)
    conversion = convert_cocoa(source(sliver), FILE)
    assert conversion.content['annotations'] == []
    assert conversion.skipped == {'smaller than a pixel': 1}


@pytest.mark.parametrize(
    ('visible', 'area'), [((0, 0, 0, 0), 0), ((12, 5, 25, 15), 130)]
)
def test_missing_visible_mask_follows_from_the_invisible_one(visible, area):
    plate = occluded('plate', (5, 5, 25, 15), visible, 3, 1 - area / 200)
    expected = plate.pop('visible_mask')
    (annotation,) = convert_cocoa(source(plate), FILE).content['annotations']
    assert annotation['visible_mask'] == expected
    assert rle_area(expected) == area


def test_rate_that_contradicts_the_masks_is_corrected_and_counted():
    plate = occluded('plate', (5, 5, 25, 15), (12, 5, 25, 15), 3, 0.9)
    conversion = convert_cocoa(source(plate), FILE)
    assert conversion.content['annotations'][0]['occlude_rate'] == pytest.approx(0.35)
    assert '1 times occlusion rate recomputed' in conversion.summary()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(segmentation=[1, 2, 3]), 'three points'),
        (dict(segmentation=[]), 'empty'),
        (dict(visible_mask={'size': [20, 30], 'counts': 'x'}), 'visible_mask'),
        (dict(visible_mask=encode_masks(np.ones((1, 9, 9)))[0]), '20 x 30'),
    ],
)
def test_bad_region_names_file_annotation_and_region(change, message):
    bad = region('cup', (2, 2, 12, 12), 1) | change
    with pytest.raises(ValueError, match=message) as caught:
        convert_cocoa(source(region('a', (0, 0, 5, 5), 1), bad), FILE)
    assert f'{FILE}, annotation 3, region 2 (cup)' in str(caught.value)


def test_bad_file():
    with pytest.raises(ValueError, match="no 'images'"):
        convert_cocoa({}, FILE)
    for change, words in (
        (dict(id=None), 'image at position 0 .*: "id" is missing'),
        (dict(height='20'), 'image 7 .*: "height" is \'20\', not a positive'),
    ):
        bad = source()
        bad['images'][0].update(change)
        with pytest.raises(ValueError, match=f'{FILE}: {words}'):
            convert_cocoa(bad, FILE)
    flat = dict(source(), annotations=[dict(id=1, image_id=7)])
    with pytest.raises(ValueError, match='annotation 1 has no "regions"'):
        convert_cocoa(flat, FILE)
    flat['annotations'][0]['image_id'] = 8
    with pytest.raises(ValueError, match='annotation 1: its image_id 8'):
        convert_cocoa(flat, FILE)


@pytest.mark.parametrize('constraint', ['1-2,x', '1-9', '1'])
def test_bad_depth_constraint(constraint):
    cups = [region('cup', (2, 2, 12, 12), 1), region('cup', (2, 2, 12, 12), 2)]
    with pytest.raises(ValueError, match='annotation 3: depth_constraint'):
        convert_cocoa(source(*cups, depth_constraint=constraint), FILE)


@pytest.fixture
def real(sample_data):
    path = sample_data / 'cocoa_sample' / 'annotations' / 'COCO_amodal_val2014.json'
    return json.loads(path.read_text())


def test_real_file(real):
    conversion = convert_cocoa(real, FILE, keep_stuff=True)
    content = conversion.content
    regions = [r for entry in real['annotations'] for r in entry['regions']]
    assert len(content['annotations']) == len(regions) == 48
    assert not conversion.skipped and not conversion.corrected
    sizes = {im['id']: (im['height'], im['width']) for im in content['images']}
    for annotation, original in zip(content['annotations'], regions, strict=True):
        size = sizes[annotation['image_id']]
        amodal = decode_masks([to_rle(original['segmentation'], *size)])
        np.testing.assert_array_equal(
            decode_masks([annotation['segmentation']]), amodal
        )
        assert annotation['area'] == pytest.approx(original['area'], abs=1)
        assert annotation['occlude_rate'] == original['occlude_rate']
        assert ('visible_mask' in annotation) == ('visible_mask' in original)
        if 'visible_mask' in annotation:
            visible, invisible = (
                decode_masks([annotation[key]])
                for key in ('visible_mask', 'invisible_mask')
            )
            assert not (visible & invisible).any()
            np.testing.assert_array_equal(visible | invisible, amodal)
        # The result is in the schema without a correction.
        assert parse_amodal_annotation(annotation, *size).corrections == []


def test_real_file_without_stuff_and_by_name(real):
    conversion = convert_cocoa(real, FILE, class_names=['elephant', 'phone'])
    labels = [a['category_id'] for a in conversion.content['annotations']]
    assert (labels.count(1), labels.count(2), len(labels)) == (3, 3, 6)
    assert conversion.skipped == {'stuff': 1, 'with a name not in the list': 41}
