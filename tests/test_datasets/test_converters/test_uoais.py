import json
from copy import deepcopy

import numpy as np
import pytest

from oaformer.datasets.annotation_check import check_annotations
from oaformer.datasets.converters import convert_uoais
from oaformer.evaluation.occlusion_order import occlusion_order
from oaformer.structures import decode_masks, encode_masks, rle_area

FILE = 'uoais_toy.json'
HEIGHT, WIDTH = 20, 30


def mask(*boxes):
    bitmap = np.zeros((1, HEIGHT, WIDTH), np.uint8)
    for x1, y1, x2, y2 in boxes:
        bitmap[0, y1:y2, x1:x2] = 1
    return encode_masks(bitmap)[0]


WHOLE, SEEN, HIDDEN = (5, 5, 25, 15), (12, 5, 25, 15), (5, 5, 12, 15)


@pytest.fixture
def toy():
    """A plate of 200 pixels, 70 of them hidden, as SynTable writes it; and a cup."""
    plate = dict(
        id=1,
        image_id=4,
        category_id=1,
        bbox=[12, 5, 13, 10],
        area=0,
        width=WIDTH,
        height=HEIGHT,
        object_name='plate_7',
        iscrowd=0,
        segmentation=mask(WHOLE) | dict(area=2000),
        visible_mask=mask(SEEN) | dict(area=130),
        occluded_mask=mask(HIDDEN) | dict(area=70),
        visible_bbox=[12, 5, 13, 10],
        occluded_rate=0.35,
    )
    cup = mask((2, 2, 12, 12))
    cup = plate | dict(id=2, segmentation=cup, visible_mask=cup, occluded_mask=mask())
    cup |= dict(bbox=[2, 2, 10, 10], area=100, occluded_rate=0.0)
    image = dict(id=4, file_name='rgb/a.png', height=HEIGHT, width=WIDTH)
    return dict(
        info={},
        images=[image, dict(image)],
        annotations=[plate, cup],
        categories=[dict(id=1, name='object')],
    )


def convert(toy, **changes):
    """Convert the scene with a plate of other content."""
    toy['annotations'][0].update(changes)
    return convert_uoais(toy, FILE)


def test_an_annotation_file(toy):
    before = deepcopy(toy)
    conversion = convert(toy)
    assert toy == before
    content = conversion.content
    assert content['images'] == before['images'][:1]
    assert content['info'] == {}
    plate, cup = content['annotations']
    assert (plate['bbox'], plate['area']) == ([5, 5, 20, 10], 200)
    assert plate['occlude_rate'] == pytest.approx(0.35)
    assert plate['segmentation'] == mask(WHOLE)
    assert plate['visible_mask'] == mask(SEEN)
    assert plate['invisible_mask'] == mask(HIDDEN)
    assert (plate['object_name'], plate['width']) == ('plate_7', WIDTH)
    assert cup['occlude_rate'] == 0 and 'visible_mask' not in cup
    for each in (plate, cup):
        assert not each.keys() & {'occluded_mask', 'occluded_rate', 'visible_bbox'}
    assert conversion.corrected == {
        'an image listed again': 1,
        'box recomputed from the amodal mask': 1,
        'area recomputed from the amodal mask': 1,
    }
    assert check_annotations(content).findings == []


@pytest.mark.parametrize('missing', ['visible_mask', 'occluded_mask', 'occluded_rate'])
def test_what_is_missing_follows_from_the_rest(toy, missing):
    (plate, _) = convert(toy, **{missing: None}).content['annotations']
    assert plate['visible_mask'] == mask(SEEN)
    assert plate['occlude_rate'] == pytest.approx(0.35)


@pytest.mark.parametrize(
    ('changes', 'what'),
    [
        # uoais calls the visible share by the same name in one place
        (dict(occluded_rate=0.65), 'occlusion rate recomputed from the masks'),
        (
            dict(occluded_mask=mask(HIDDEN, (20, 5, 21, 6))),
            '"occluded_mask" replaced by what is not visible',
        ),
        (
            dict(occluded_mask=mask()),
            '"occluded_mask" replaced by what is not visible',
        ),
        (
            dict(visible_mask=mask(SEEN, (0, 0, 2, 2))),
            'visible mask cut to the amodal mask',
        ),
    ],
)
def test_the_visible_mask_decides(toy, changes, what):
    conversion = convert(toy, **changes)
    (plate, _) = conversion.content['annotations']
    assert plate['occlude_rate'] == pytest.approx(0.35)
    assert plate['visible_mask'] == mask(SEEN)
    assert conversion.corrected[what] == 1
    assert f'; 1 times {what}' in conversion.summary()


def test_a_fully_hidden_object_is_kept_and_one_without_a_pixel_is_not(toy):
    hidden = dict(visible_mask=mask(), occluded_mask=mask(WHOLE), occluded_rate=1.0)
    (plate, _) = convert(toy, **hidden).content['annotations']
    assert (plate['occlude_rate'], rle_area(plate['visible_mask'])) == (1, 0)
    nothing = dict.fromkeys(('segmentation', 'visible_mask', 'occluded_mask'), mask())
    conversion = convert(toy, **nothing)
    assert [each['id'] for each in conversion.content['annotations']] == [2]
    assert conversion.skipped == {'smaller than a pixel': 1}


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (dict(segmentation=None), '"segmentation" is missing'),
        (dict(visible_mask=None, occluded_mask=None), 'neither "visible_mask" nor'),
        (dict(visible_mask=dict(size=[9, 9], counts='')), 'size 9 x 9'),
        (dict(occluded_mask=dict(size=[HEIGHT, WIDTH], counts='x')), '"occluded_mask"'),
        (dict(occluded_rate='a third'), '"occlude_rate" is \'a third\''),
    ],
)
def test_a_bad_annotation_is_named(toy, change, words):
    with pytest.raises(ValueError, match=words) as caught:
        convert(toy, **change)
    assert str(caught.value).startswith(f'{FILE}: annotation 1 (image 4): ')


def test_a_bad_file_is_named(toy):
    for bad in ([], dict(images=[])):
        with pytest.raises(ValueError, match=f'{FILE} has no .*: is it a UOAIS file'):
            convert_uoais(bad, FILE)
    toy['images'].append(dict(toy['images'][0], height=21))
    with pytest.raises(ValueError, match='the id 4 is also that of another image'):
        convert_uoais(toy, FILE)
    toy['images'] = [dict(toy['images'][0], id=[4])]
    with pytest.raises(ValueError, match='"id" is .*, not a whole number'):
        convert_uoais(toy, FILE)


@pytest.fixture
def sample(syntable_sample):
    return json.loads((syntable_sample / 'annotation_final.json').read_text())


def test_real_file(sample):
    content = convert_uoais(sample, FILE).content
    assert len(content['images']) == 6
    assert len(content['annotations']) == len(sample['annotations']) == 95
    assert check_annotations(content).findings == []
    for before, after in zip(
        sample['annotations'], content['annotations'], strict=True
    ):
        assert (before['id'], before['image_id']) == (after['id'], after['image_id'])
        keys = 'segmentation', 'visible_mask', 'occluded_mask'
        whole, visible, hidden = decode_masks([before[key] for key in keys])
        np.testing.assert_array_equal(decode_masks([after['segmentation']])[0], whole)
        seen = after.get('visible_mask', after['segmentation'])
        np.testing.assert_array_equal(decode_masks([seen])[0], visible)
        invisible = np.zeros_like(whole)
        if 'invisible_mask' in after:
            invisible = decode_masks([after['invisible_mask']])[0]
        np.testing.assert_array_equal(invisible, hidden)
        assert after['occlude_rate'] == pytest.approx(hidden.sum() / whole.sum())
        assert after['occlude_rate'] == pytest.approx(
            before['occluded_rate'], abs=0.005
        )


def test_the_order_of_real_objects_is_that_of_the_renderer(sample, syntable_sample):
    """Of all 70 pairs, if one pixel decides; four are decided by fewer than ten."""
    content = convert_uoais(sample, FILE).content
    pairs, found = 0, {1: 0, 10: 0}
    for image in content['images']:
        objects = [a for a in content['annotations'] if a['image_id'] == image['id']]
        amodal = [each['segmentation'] for each in objects]
        visible = [each.get('visible_mask', each['segmentation']) for each in objects]
        matrix = np.load(syntable_sample / image['occlusion_order_file_name'])
        expected = {tuple(pair) for pair in np.argwhere(matrix).tolist()}
        pairs += len(expected)
        for least in found:
            order = occlusion_order(amodal, visible, min_pixels=least)
            order = {tuple(pair) for pair in order.tolist()}
            assert order <= expected
            found[least] += len(order)
    assert pairs == found[1] == 70
    assert found[10] == 66
