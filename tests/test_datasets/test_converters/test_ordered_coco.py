import json

import numpy as np
import pytest
from mmcv import imwrite

from oaformer.datasets.annotation_check import check_annotations
from oaformer.datasets.converters.ordered_coco import read_ordered_coco
from oaformer.datasets.converters.outlines import convert_outlines
from oaformer.structures import encode_masks, rle_area

PLATE = [[5, 5, 25, 5, 25, 15, 5, 15]]
CUP = encode_masks(np.pad(np.ones((1, 10, 10), np.uint8), ((0, 0), (2, 8), (2, 18))))[0]


def item(number, segmentation, category_id, **fields):
    return dict(
        id=number,
        image_id=7,
        category_id=category_id,
        segmentation=segmentation,
        **fields,
    )


@pytest.fixture
def write(tmp_path):
    """Write a file with these annotations, and its image."""
    imwrite(np.zeros((20, 30, 3), np.uint8), str(tmp_path / 'images' / 'a.jpg'))

    def write(*annotations, **image):
        entry = dict(id=7, file_name='a.jpg', height=20, width=30, license=1) | image
        categories = [dict(id=9, name='cup'), dict(id=4, name='plate')]
        content = dict(images=[entry], annotations=annotations, categories=categories)
        path = tmp_path / 'coco.json'
        path.write_text(json.dumps(content))
        return str(path)

    return write


def pair(plate, cup, key='z_order'):
    return item(11, PLATE, 4, **{key: plate}), item(12, CUP, 9, **{key: cup})


HIDDEN = dict(plate=[49 / 200, 0], cup=[0, 0.49])


@pytest.mark.parametrize(
    ('orders', 'front', 'hidden'),
    [
        ((0, 1), 'high', 'plate'),
        ((1, 0), 'high', 'cup'),
        ((0, 1), 'low', 'cup'),
        ((2.5, -1), 'low', 'plate'),
        ((False, True), 'high', 'plate'),
    ],
)
def test_the_order_under_a_key(write, orders, front, hidden):
    images, class_ids = read_ordered_coco(
        write(*pair(*orders)), order_key='z_order', front=front
    )
    annotations = convert_outlines('COCO', images, class_ids).content['annotations']
    rates = [each['occlude_rate'] for each in annotations]
    assert rates == pytest.approx(HIDDEN[hidden])


def test_ids_and_other_keys_stay(write):
    plate = item(
        11, PLATE, 4, z_order=0, attributes=dict(color='red'), ignore=1, bbox=[0] * 4,
        area=3, occluded=1, visible_mask=None, occlude_rate=0.9,
    )  # fmt: skip
    source = write(plate, item(12, CUP, 9, z_order=1, iscrowd=False))
    images, class_ids = read_ordered_coco(source, order_key='z_order')
    conversion = convert_outlines('COCO', images, class_ids)
    content = conversion.content
    assert content['images'] == [
        dict(id=7, file_name='a.jpg', height=20, width=30, license=1)
    ]
    assert content['categories'] == [dict(id=4, name='plate'), dict(id=9, name='cup')]
    plate, cup = content['annotations']
    ids = [(each['id'], each['image_id'], each['category_id']) for each in (plate, cup)]
    assert ids == [(11, 7, 4), (12, 7, 9)]
    assert (plate['attributes'], plate['z_order']) == (dict(color='red'), 0)
    assert (plate['ignore'], cup['iscrowd']) == (1, 0)
    assert (plate['area'], plate['bbox']) == (200, [5, 5, 20, 10])
    assert plate['occlude_rate'] == pytest.approx(49 / 200)
    assert rle_area(plate['visible_mask']) == 151
    assert conversion.corrected == {
        'box recomputed from the amodal mask': 1,
        'area recomputed from the amodal mask': 1,
        '"occluded" dropped': 1,
    }
    assert check_annotations(content).findings == []


def test_without_a_key_the_order_is_not_known(write):
    crowd = item(13, PLATE, 4, iscrowd=1)
    source = write(item(11, PLATE, 4), item(12, CUP, 9), crowd)
    images, class_ids = read_ordered_coco(source)
    with pytest.raises(ValueError, match='1 pairs of objects overlap') as caught:
        convert_outlines('COCO', images, class_ids)
    line = 'image a.jpg: annotation 11 (plate) and annotation 12 (cup) (49 pixels)'
    assert line in str(caught.value)
    conversion = convert_outlines('COCO', images, class_ids, ties='smaller')
    rates = [each['occlude_rate'] for each in conversion.content['annotations']]
    assert rates == pytest.approx([49 / 200, 0, 0])
    assert [each['iscrowd'] for each in conversion.content['annotations']] == [0, 0, 1]


@pytest.mark.parametrize('order', [None, 'front', float('nan'), [1]])
def test_values_that_are_no_order_are_named(write, order):
    source = write(*pair(0, order))
    with pytest.raises(ValueError, match='annotation 12: its "z_order" is .*not a num'):
        read_ordered_coco(source, order_key='z_order')


def test_what_is_wrong_with_a_file(write, tmp_path):
    with pytest.raises(ValueError, match='2 problems') as caught:
        read_ordered_coco(
            write(
                item(11, PLATE, 4, visible_mask=CUP),
                item(12, CUP, 9, invisible_mask=CUP),
            )
        )
    assert 'annotation 12: it has a mask of a part already' in str(caught.value)
    bad = write(item(11, [[1, 1, 2, 2]], 4))
    with pytest.raises(ValueError, match='annotation 11 .*at least three points'):
        read_ordered_coco(bad)
    with pytest.raises(
        ValueError, match='image 7: .*is 20 x 30 .*annotated as 20 x 31'
    ):
        read_ordered_coco(write(width=31))
    lost = write(file_name='b.jpg')
    with pytest.raises(ValueError, match='its images are not found: name --img-dir'):
        read_ordered_coco(lost)
    with pytest.raises(ValueError, match='image 7: Image not found'):
        read_ordered_coco(lost, str(tmp_path / 'images'))
    with pytest.raises(FileNotFoundError, match='none.json'):
        read_ordered_coco(str(tmp_path / 'none.json'))
