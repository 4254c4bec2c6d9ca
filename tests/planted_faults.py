"""A good annotation file, and faults to plant in it, one at a time."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from oaformer.structures import encode_masks

SIZES = {'1.png': (20, 30), '2.png': (24, 16), '3.png': (20, 30)}


def rle(size, *boxes):
    """Union of boxes (y1, x1, y2, x2) as an RLE."""
    bitmap = np.zeros((1, *size), dtype=np.uint8)
    for y1, x1, y2, x2 in boxes:
        bitmap[0, y1:y2, x1:x2] = 1
    return encode_masks(bitmap)[0]


def write_images(folder, sizes=SIZES):
    folder.mkdir(exist_ok=True)
    for name, size in sizes.items():
        Image.fromarray(np.zeros((*size, 3), np.uint8)).save(folder / name)


def first(*boxes):
    return rle(SIZES['1.png'], *boxes)


def second(*boxes):
    return rle(SIZES['2.png'], *boxes)


def good_content():
    """Three images: an occluded pair; a hidden object and a polygon; nothing."""
    box = dict(
        id=11,
        image_id=1,
        category_id=5,
        segmentation=first((2, 3, 12, 23)),
        visible_mask=first((2, 3, 12, 23)),
        bbox=[3, 2, 20, 10],
        area=200,
        occlude_rate=0.0,
        occl_depth=0,
        iscrowd=False,
    )
    # 160 pixels, 52 of them behind the box
    cup = dict(
        id=12,
        image_id=1,
        category_id=9,
        segmentation=first((8, 10, 18, 26)),
        visible_mask=first((12, 10, 18, 26), (8, 23, 12, 26)),
        invisible_mask=first((8, 10, 12, 23)),
        bbox=[10, 8, 16, 10],
        area=160.0,
        occlude_rate=0.325,
        occl_depth=1,
        iscrowd=0,
    )
    polygon = dict(
        id=13,
        image_id=2,
        category_id=9,
        segmentation=[[1, 1, 9, 1, 9, 9]],
        bbox=[1, 1, 8, 8],
        area=32,
        iscrowd=1,
    )
    front = dict(
        id=14,
        image_id=2,
        category_id=5,
        segmentation=second((12, 2, 22, 14)),
        bbox=[2, 12, 12, 10],
        area=120,
        occl_depth=0,
    )
    hidden = dict(
        id=15,
        image_id=2,
        category_id=5,
        segmentation=second((14, 4, 20, 12)),
        visible_mask=second(),
        invisible_mask=second((14, 4, 20, 12)),
        bbox=[4, 14, 8, 6],
        area=48,
        occlude_rate=1,
        occl_depth=1,
    )
    return dict(
        info=dict(description='a good file'),
        images=[
            dict(id=number, file_name=name, height=height, width=width)
            for number, (name, (height, width)) in enumerate(SIZES.items(), start=1)
        ],
        annotations=[box, cup, polygon, front, hidden],
        categories=[dict(id=9, name='cup'), dict(id=5, name='box')],
    )


class Fault(NamedTuple):
    """What is done to the good file, and the findings (kind, id) that follow.

    ``plant(content, sizes)`` changes the content of the file and the sizes (height,
    width) of the image files by name.
    """

    name: str
    plant: object
    expected: list


FAULTS = []


def fault(name, *expected):
    def register(plant):
        FAULTS.append(Fault(name, plant, list(expected)))
        return plant

    return register


def entry(content, annotation_id):
    return next(a for a in content['annotations'] if a and a.get('id') == annotation_id)


def update(item, values):
    for key, value in values.items():
        item.pop(key, None)
        if value is not None:
            item[key] = value


def change(name, annotation_id, kind, found_id=..., **values):
    """A fault by other values of one annotation; None takes the key away."""

    @fault(name, (kind, annotation_id if found_id is ... else found_id))
    def plant(content, sizes):
        update(entry(content, annotation_id), values)


NAN, INFINITE = float('nan'), float('inf')
OTHER_SIZE = rle((5, 6), (0, 0, 2, 2))
CORRUPT = dict(size=[20, 30], counts='0')
CUP_SEEN = ((12, 10, 18, 26), (8, 23, 12, 26))

outside = first(*CUP_SEEN, (0, 26, 2, 30))
change('visible outside amodal', 12, 'visible_outside_amodal', visible_mask=outside)
for name, boxes in {
    'invisible also visible': [(8, 10, 13, 23)],
    'neither visible nor invisible': [(8, 10, 12, 20)],
    'invisible outside amodal': [(8, 10, 12, 23), (0, 0, 1, 1)],
}.items():
    change(name, 12, 'invisible_mask', invisible_mask=first(*boxes))
change('invisible corrupt', 12, 'invisible_mask', invisible_mask=CORRUPT)
change('rate off', 12, 'occlusion_rate', occlude_rate=0.327)
change('rate above 1', 15, 'occlusion_rate', occlude_rate=1.0005)
change('rate below 0', 11, 'occlusion_rate', occlude_rate=-0.0005)
change('rate in percent, without masks', 13, 'invalid_value', occlude_rate=50)
change('rate nan, without masks', 13, 'invalid_value', occlude_rate=NAN)
change('rate nan', 12, 'occlusion_rate', occlude_rate=NAN)
change('unread key', 12, 'unread_key', visible_segm=first((12, 10, 18, 26)))
change('rate text', 12, 'invalid_value', occlude_rate='0.325')
change('rate flag', 15, 'invalid_value', occlude_rate=True)
change('box off', 11, 'bbox', bbox=[3, 2, 22, 10])
change('box without width', 11, 'bbox', bbox=[3, 2, 0, 10])
change('box infinite', 11, 'bbox', bbox=[3, 2, INFINITE, 10])
change('box nan', 11, 'bbox', bbox=[3, NAN, 20, 10])
change('box of three', 11, 'invalid_value', bbox=[3, 2, 20])
change('box of texts', 11, 'invalid_value', bbox=['3', '2', '20', '10'])
change('box is a number', 11, 'invalid_value', bbox=7)
change('far polygon', 13, 'undecodable_mask', segmentation=[[1, 1, 1e8, 1, 9, 9]])
change('text in polygon', 13, 'undecodable_mask', segmentation=[[1, 1, '9', 1, 9, 9]])
RUNS = [True] * 384
change(
    'counts of flags',
    13,
    'undecodable_mask',
    segmentation=dict(size=[24, 16], counts=RUNS),
)
TEXT = ['384']
change(
    'counts of texts',
    13,
    'undecodable_mask',
    segmentation=dict(size=[24, 16], counts=TEXT),
)
change('area beyond any float', 11, 'area', area=10**400)
change('box beyond any float', 11, 'bbox', bbox=[3, 2, 10**400, 10])
change('rate beyond any float', 12, 'occlusion_rate', occlude_rate=-(10**400))
change('area off', 12, 'area', area=163)
change('area of polygon off', 13, 'area', area=64)
change('area nan', 12, 'area', area=NAN)
change('area text', 12, 'invalid_value', area='160')
for key in ('iscrowd', 'ignore'):
    for value in ('0', 'maybe', 2, [1]):
        change(f'{key} {value!r}', 12, 'invalid_value', **{key: value})
change('amodal size', 11, 'mask_size', segmentation=OTHER_SIZE)
change('visible size', 12, 'mask_size', visible_mask=OTHER_SIZE)
change('amodal corrupt', 11, 'undecodable_mask', segmentation=CORRUPT)
change('visible corrupt', 12, 'undecodable_mask', visible_mask=CORRUPT)
corrupt = dict(visible_mask=None, invisible_mask=CORRUPT)
change('invisible corrupt, nothing else', 12, 'undecodable_mask', **corrupt)
change('mask is text', 11, 'undecodable_mask', segmentation='x')
change(
    'mask size is text', 11, 'undecodable_mask', segmentation=dict(size='x', counts='')
)
change('polygons none', 13, 'undecodable_mask', segmentation=[])
change('polygon short', 13, 'undecodable_mask', segmentation=[[1, 1, 5, 5]])
change('polygon nan', 13, 'undecodable_mask', segmentation=[[1, 1, NAN, 1, 9, 9]])
change('amodal empty', 11, 'empty_amodal_mask', segmentation=first())
change('amodal missing', 11, 'missing_key', segmentation=None)
for name in ('image', 'category'):
    key = f'{name}_id'
    change(f'unknown {name}', 13, f'unknown_{name}', **{key: 7})
    change(f'no {name}', 13, 'missing_key', **{key: None})
    for value in ('1', 1.0, True, [1]):
        change(f'{key} {value!r}', 13, 'invalid_value', **{key: value})


change('id missing', 13, 'missing_key', None, id=None)
change('id is a list', 13, 'invalid_value', [13], id=[13])
change('id twice', 13, 'duplicate_annotation_id', 11, id=11)


def add(name, section, kind, item):
    """A fault by another entry of a section."""

    @fault(name, (kind, item and item['id']))
    def plant(content, sizes):
        content[section].append(item)


twice = good_content()['annotations'][0] | dict(id=16)
add('annotation is null', 'annotations', 'invalid_value', None)
add('object twice', 'annotations', 'duplicate_object', twice)
add('image twice', 'images', 'duplicate_image_id', good_content()['images'][0])
listed_twice = dict(id=4, file_name='./1.png', height=20, width=30)
add('image listed twice', 'images', 'duplicate_image', listed_twice)
add('category twice', 'categories', 'duplicate_category_id', dict(id=9, name='cup'))
add('name twice', 'categories', 'duplicate_category_name', dict(id=6, name='cup'))
add('category id is a text', 'categories', 'invalid_value', dict(id='7', name='bag'))
add('category with an empty name', 'categories', 'invalid_value', dict(id=7, name=''))
add('category without name', 'categories', 'missing_key', dict(id=7))
add('category name is a number', 'categories', 'invalid_value', dict(id=7, name=7))


def change_image(name, image_id, kind, found_id=..., **values):
    """A fault by other values of one image; None takes the key away."""

    @fault(name, (kind, image_id if found_id is ... else found_id))
    def plant(content, sizes):
        update(content['images'][image_id - 1], values)


change_image('image without id', 3, 'missing_key', None, id=None)
change_image('image id is a text', 3, 'invalid_value', '3', id='3')
change_image('image without file', 3, 'missing_key', file_name=None)
change_image('file name is a number', 3, 'invalid_value', file_name=3)
change_image('image without height', 1, 'missing_key', height=None)
change_image('width is a text', 1, 'invalid_value', width='30')
change_image('height is not whole', 1, 'invalid_value', height=20.5)


@fault('image ids are texts', ('invalid_value', '1'), ('invalid_value', 11))
def _(content, sizes):
    content['images'][0]['id'] = entry(content, 11)['image_id'] = '1'
    content['annotations'].remove(entry(content, 12))


@fault('image missing', ('missing_image', 1))
def _(content, sizes):
    del sizes['1.png']


@fault('image of another size', ('image_size', 1))
def _(content, sizes):
    sizes['1.png'] = (40, 60)


@fault('image without objects of another size', ('empty_image_size', 3))
def _(content, sizes):
    sizes['3.png'] = (40, 60)


@fault('image of ignored objects of another size', ('image_size', 1))
def _(content, sizes):
    sizes['1.png'] = (40, 60)
    for annotation_id in (11, 12):
        entry(content, annotation_id)['ignore'] = 1


@fault(
    'size annotated wrong',
    ('image_size', 1),
    *[('mask_size', 11)] * 2,
    *[('mask_size', 12)] * 2,
)
def _(content, sizes):
    content['images'][0]['height'] = 21


def planted(item):
    """A good file with a fault in it: content, and sizes of the image files."""
    content, sizes = good_content(), dict(SIZES)
    item.plant(content, sizes)
    return content, sizes
