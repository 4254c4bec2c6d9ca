import numpy as np
import pytest

from oaformer.datasets.annotation_check import check_annotations
from oaformer.datasets.converters.outlines import (
    Outline,
    OutlinedImage,
    convert_outlines,
)
from oaformer.structures import decode_masks, encode_masks, rle_area

HEIGHT, WIDTH = 20, 30


def outline(label, box, order=0, group=None, **fields):
    x1, y1, x2, y2 = box
    mask = np.zeros((1, HEIGHT, WIDTH), np.uint8)
    mask[0, y1:y2, x1:x2] = 1
    rle = encode_masks(mask)[0]
    return Outline(f'the {label}', label, rle, order, group, **fields)


def image(*outlines, name='a.jpg', **fields):
    entry = dict(file_name=name, height=HEIGHT, width=WIDTH)
    return OutlinedImage('a.json', entry, outlines, **fields)


def convert(*outlines, **options):
    return convert_outlines('toy', [image(*outlines)], **options)


CUP, PLATE = ('cup', (2, 2, 12, 12)), ('plate', (5, 5, 25, 15))


def test_an_annotation_file():
    conversion = convert(outline(*PLATE, 1), outline(*CUP, 2))
    content = conversion.content
    assert content['images'] == [dict(id=1, file_name='a.jpg', height=20, width=30)]
    assert content['categories'] == [dict(id=1, name='cup'), dict(id=2, name='plate')]
    plate, cup = content['annotations']
    assert [plate['id'], cup['id']] == [1, 2]
    assert [plate['category_id'], cup['category_id']] == [2, 1]
    assert [plate['occl_depth'], cup['occl_depth']] == [1, 0]
    assert [plate['occlude_rate'], cup['occlude_rate']] == pytest.approx([49 / 200, 0])
    assert [plate['area'], cup['area']] == [200, 100]
    assert plate['bbox'] == [5, 5, 20, 10]
    assert rle_area(plate['visible_mask']) == 151
    assert rle_area(plate['invisible_mask']) == 49
    assert not cup.keys() & {'visible_mask', 'invisible_mask'}
    assert conversion.summary() == (
        'toy: 1 images (0 without objects), 2 objects (1 occluded, 0 fully hidden); '
        'left out: nothing'
    )


def test_the_reversed_order_swaps_front_and_back():
    plate, cup = convert(outline(*PLATE, 2), outline(*CUP, 1)).content['annotations']
    assert [plate['occl_depth'], cup['occl_depth']] == [0, 1]
    assert [plate['occlude_rate'], cup['occlude_rate']] == pytest.approx([0, 0.49])


def test_shapes_of_a_group_are_one_object():
    parts = outline('cup', (0, 0, 5, 5), 1, 7), outline('cup', (10, 0, 15, 5), 1, 7)
    others = outline('cup', (0, 0, 5, 5), 2, 8), outline('plate', (9, 0, 11, 5), 2, 7)
    cup, other, plate = convert(*parts, *others).content['annotations']
    assert (cup['area'], cup['occlude_rate']) == (50, 0.6)
    assert cup['bbox'] == [0, 0, 15, 5]
    assert (other['area'], plate['area']) == (25, 10)


def test_visible_parts():
    cup = outline(*CUP, 1), outline('cup_visible', (2, 2, 12, 6), 1)
    conversion = convert(*cup, outline(*PLATE, 0), visible_suffix='_visible')
    cup, plate = conversion.content['annotations']
    assert cup['occlude_rate'] == 0.6
    assert rle_area(cup['visible_mask']) == 40
    # the order says that the cup is in front, so it hides the plate there
    assert plate['occlude_rate'] == pytest.approx(49 / 200)
    assert not conversion.corrected
    # by their groups where there are several
    cups = [
        outline(label, (x, 0, x + 10 - less, 10), group=group)
        for group, x in ((1, 0), (2, 15))
        for label, less in (('cup_visible', group), ('cup', 0))
    ]
    annotations = convert(*cups, visible_suffix='_visible').content['annotations']
    assert [each['occlude_rate'] for each in annotations] == pytest.approx([0.1, 0.2])
    # without the suffix it is an object like others
    assert len(convert(*cups, ties='later').content['categories']) == 2


def test_visible_parts_that_do_not_fit_are_cut_and_counted():
    shapes = [
        outline(label, (x, 0, x + 10 + more, 10), group=group)
        for group, x in ((1, 0), (2, 5))
        for label, more in (('cup_visible', 2), ('cup', 0))
    ]
    conversion = convert(*shapes, visible_suffix='_visible', ties='later')
    assert conversion.corrected == {
        'visible mask cut to the amodal mask': 2,
        'visible part cut where that of a nearer object is drawn': 1,
        'guessed that the later of two overlapping objects is in front': 1,
    }
    rates = [each['occlude_rate'] for each in conversion.content['annotations']]
    assert rates == pytest.approx([0.5, 0])


@pytest.mark.parametrize(
    ('outlines', 'words'),
    [
        ([outline('cup_visible', (0, 0, 5, 5))], "'cup' without a group, and .* are 0"),
        (
            [outline('cup', (0, 0, 5, 5), group=3), outline('cup_visible', CUP[1])],
            "'cup' without a group, and there are 0",
        ),
        (
            [outline(*CUP), outline('cup_visible', (0, 0, 5, 5), group=3)],
            "'cup' of group 3, and there are 0",
        ),
        (
            [outline(*CUP), outline(*CUP), outline('cup_visible', (0, 0, 5, 5))],
            "'cup' without a group, and there are 2",
        ),
    ],
)
def test_visible_parts_of_no_or_several_objects(outlines, words):
    with pytest.raises(ValueError, match=f'a.json: image a.jpg: the cup_vis.*{words}'):
        convert(*outlines, visible_suffix='_visible')


def test_pairs_without_an_order_are_listed_or_guessed():
    outlines = outline(*PLATE), outline(*CUP), outline('cup', (25, 0, 30, 5))
    images = [image(*outlines), image(*outlines, name='b.jpg')]
    with pytest.raises(ValueError, match='2 pairs of objects overlap') as caught:
        convert_outlines('toy', images)
    for name in ('a.jpg', 'b.jpg'):
        line = f'a.json: image {name}: the plate and the cup (49 pixels)'
        assert line in str(caught.value)
    hidden = [0, 0.49], [49 / 200, 0]
    for ties, later, expected in (
        ('later', False, hidden[1]),
        ('later', True, hidden[0]),
        ('smaller', False, hidden[1]),
        ('smaller', True, hidden[1]),
    ):
        pair = outlines[1::-1] if later else outlines[:2]
        conversion = convert(*pair, ties=ties)
        rates = {
            each['category_id']: each['occlude_rate']
            for each in conversion.content['annotations']
        }
        assert [rates[2], rates[1]] == pytest.approx(expected)
        assert f'; 1 times guessed that the {ties} of two' in conversion.summary()
        # a guess is not a known depth
        assert 'occl_depth' not in conversion.content['annotations'][0]


def test_labels_that_are_not_in_the_list_hide_and_are_counted():
    hand = outline('hand', (2, 2, 12, 7), 3)
    conversion = convert(
        outline(*CUP, 2), hand, outline(*PLATE, 1), class_ids=dict(fork=4, cup=9)
    )
    (cup,) = conversion.content['annotations']
    assert (cup['id'], cup['category_id'], cup['occlude_rate']) == (1, 9, 0.5)
    assert conversion.content['categories'] == [
        dict(id=4, name='fork'),
        dict(id=9, name='cup'),
    ]
    assert conversion.unlisted_names == dict(hand=1, plate=1)
    assert 'left out: 2 with a name not in the list' in conversion.summary()


def test_crowds_neither_hide_nor_are_hidden():
    crowd = outline('cup', (0, 0, 30, 20), fields=dict(iscrowd=1))
    plate, crowd = convert(outline(*PLATE), crowd).content['annotations']
    assert (plate['occlude_rate'], crowd['occlude_rate']) == (0, 0)
    assert (plate['iscrowd'], crowd['iscrowd'], crowd['area']) == (0, 1, 600)


def test_marks_that_nothing_bears_out_are_counted():
    marked = outline(*CUP, 1, is_marked=True), outline(*PLATE, 0, is_marked=True)
    conversion = convert(*marked, outline('cup', (20, 0, 25, 4), notes=('bent',)))
    assert conversion.corrected == {
        'marked as occluded, and no outline hides it': 1,
        'bent': 1,
    }


def test_images_keep_what_they_have():
    images = [
        image(name='b.jpg', left_out={'a point': 2}),
        OutlinedImage('b.json', dict(id=7, file_name='c.jpg', height=5, width=5), []),
    ]
    conversion = convert_outlines('toy', images)
    assert [each['id'] for each in conversion.content['images']] == [1, 7]
    assert conversion.content['annotations'] == []
    assert conversion.skipped == {'a point': 2}


@pytest.mark.parametrize('seed', range(10))
def test_random_scenes_are_in_the_schema(seed):
    rng = np.random.default_rng(seed)
    outlines = []
    for number in range(rng.integers(1, 9)):
        x, y = rng.integers(0, (25, 15)).tolist()
        box = x, y, x + int(rng.integers(1, 20)), y + int(rng.integers(1, 15))
        label = 'ab'[rng.integers(2)]
        outlines.append(outline(label, box, number, int(rng.integers(1, 5))))
        if rng.random() < 0.2:
            outlines.append(outlines[-1]._replace(label=label + '_visible'))
    content = convert(*outlines, visible_suffix='_visible').content
    assert check_annotations(content).findings == []
    seen = [
        each.get('visible_mask', each['segmentation'])
        for each in content['annotations']
    ]
    assert decode_masks(seen).sum(axis=0).max() <= 1
