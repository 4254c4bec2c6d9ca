"""A good annotation file, and faults to plant in it, one at a time."""

import copy
from typing import NamedTuple

import numpy as np

from oaformer.datasets.annotation_check import ImageFile
from oaformer.structures import encode_masks

SIZES = {'1.png': (20, 30), '2.png': (24, 16), '3.png': (20, 30)}


def rle(size, *boxes):
    """Union of boxes (y1, x1, y2, x2) as an RLE."""
    bitmap = np.zeros((1, *size), dtype=np.uint8)
    for y1, x1, y2, x2 in boxes:
        bitmap[0, y1:y2, x1:x2] = 1
    return encode_masks(bitmap)[0]


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


def good_images():
    return {name: ImageFile(f'images/{name}', size) for name, size in SIZES.items()}


class Fault(NamedTuple):
    """What is done to the good file, and the problems (kind, id) that follow."""

    name: str
    plant: object
    expected: list
    # Ids (section, id) that a corrected copy has to leave out.
    removed: list = []


FAULTS = []


def fault(name, *expected, removed=()):
    def register(plant):
        FAULTS.append(Fault(name, plant, list(expected), list(removed)))
        return plant

    return register


def entry(content, annotation_id):
    return next(a for a in content['annotations'] if a and a.get('id') == annotation_id)


def change(name, annotation_id, kind, removed=False, **values):
    """A fault by other values of one annotation; None takes the key away."""

    def plant(content, images):
        annotation = entry(content, annotation_id)
        for key, value in values.items():
            annotation.pop(key, None)
            if value is not None:
                annotation[key] = value

    gone = [('annotations', annotation_id)] if removed else []
    FAULTS.append(Fault(name, plant, [(kind, annotation_id)], gone))


NAN, INFINITE = float('nan'), float('inf')
OTHER_SIZE = rle((5, 6), (0, 0, 2, 2))
CORRUPT = dict(size=[20, 30], counts='0')

change(
    'visible outside amodal',
    12,
    'visible_outside_amodal',
    visible_mask=first((12, 10, 18, 26), (8, 23, 12, 26), (0, 26, 2, 30)),
)
change(
    'invisible also visible',
    12,
    'invisible_mask',
    invisible_mask=first((8, 10, 13, 23)),
)
change(
    'neither visible nor invisible',
    12,
    'invisible_mask',
    invisible_mask=first((8, 10, 12, 20)),
)
change(
    'invisible outside amodal',
    12,
    'invisible_mask',
    invisible_mask=first((8, 10, 12, 23), (0, 0, 1, 1)),
)
change('invisible corrupt', 12, 'invisible_mask', invisible_mask=CORRUPT)
change('rate off', 12, 'occlusion_rate', occlude_rate=0.327)
change('rate above 1', 15, 'occlusion_rate', occlude_rate=1.0005)
change('rate below 0', 11, 'occlusion_rate', occlude_rate=-0.0005)
change('rate without masks', 13, 'occlusion_rate', occlude_rate=0.5)
change('rate nan', 12, 'not_finite', occlude_rate=NAN)
change('rate text', 12, 'invalid_value', occlude_rate='much')
change('box off', 11, 'bbox', bbox=[3, 2, 22, 10])
change('box without width', 11, 'bbox', bbox=[3, 2, 0, 10])
change('box of three', 11, 'invalid_value', bbox=[3, 2, 20])
change('box infinite', 11, 'not_finite', bbox=[3, 2, INFINITE, 10])
change('area off', 12, 'area', area=163)
change('area of polygon off', 13, 'area', area=64)
change('area text', 12, 'invalid_value', area='160')
change('area nan', 12, 'not_finite', area=NAN)
change('other key nan', 12, 'not_finite', keypoints=[[1.0, NAN]])
change('crowd text', 12, 'invalid_value', iscrowd='1')
change('crowd unclear', 12, 'invalid_value', iscrowd='maybe', removed=True)
change('depth text', 12, 'occl_depth', occl_depth='back')
change('amodal size', 11, 'mask_size', segmentation=OTHER_SIZE, removed=True)
change('visible size', 12, 'mask_size', visible_mask=OTHER_SIZE)
change(
    'visible size, nothing else', 11, 'mask_size', visible_mask=OTHER_SIZE, removed=True
)
change('amodal corrupt', 11, 'undecodable_mask', segmentation=CORRUPT, removed=True)
change('visible corrupt', 12, 'undecodable_mask', visible_mask=CORRUPT)
change(
    'invisible corrupt, nothing else',
    12,
    'undecodable_mask',
    visible_mask=None,
    invisible_mask=CORRUPT,
    removed=True,
)
change('mask is text', 11, 'undecodable_mask', segmentation='x', removed=True)
change('polygons none', 13, 'undecodable_mask', segmentation=[], removed=True)
change(
    'polygon short', 13, 'undecodable_mask', segmentation=[[1, 1, 5, 5]], removed=True
)
change(
    'polygon nan',
    13,
    'undecodable_mask',
    segmentation=[[1, 1, NAN, 1, 9, 9]],
    removed=True,
)
change('amodal empty', 11, 'empty_amodal_mask', segmentation=first(), removed=True)
change('amodal missing', 11, 'missing_key', segmentation=None, removed=True)
change('unknown image', 13, 'unknown_image', image_id=7, removed=True)
change('unknown category', 13, 'unknown_category', category_id=7, removed=True)
change('no image', 13, 'missing_key', image_id=None, removed=True)
change('no category', 13, 'missing_key', category_id=None, removed=True)
change('image id is a list', 13, 'invalid_value', image_id=[1], removed=True)
change('category id is a list', 13, 'invalid_value', category_id=[1], removed=True)


@fault('annotation without id', ('missing_key', None))
def _(content, images):
    del entry(content, 13)['id']


@fault('annotation id twice', ('duplicate_annotation_id', 11))
def _(content, images):
    entry(content, 13)['id'] = 11


@fault('annotation is null', ('invalid_value', None), removed=[('annotations', None)])
def _(content, images):
    content['annotations'].append(None)


@fault('object twice', ('duplicate_object', 16), removed=[('annotations', 16)])
def _(content, images):
    content['annotations'].append(dict(entry(content, 11), id=16))


@fault('depths exchanged', ('occl_depth', 11), ('occl_depth', 12))
def _(content, images):
    entry(content, 11)['occl_depth'] = 2


@fault('image twice', ('duplicate_image_id', 1), removed=[('images', 1)])
def _(content, images):
    content['images'].append(dict(content['images'][0]))


@fault(
    'two images with one id',
    ('duplicate_image_id', 1),
    removed=[
        ('images', 1),
        ('images', 1),
        ('annotations', 11),
        ('annotations', 12),
    ],
)
def _(content, images):
    content['images'][2]['id'] = 1


@fault('image without id', ('missing_key', None), removed=[('images', None)])
def _(content, images):
    del content['images'][2]['id']


@fault('image without file', ('missing_key', 3), removed=[('images', 3)])
def _(content, images):
    del content['images'][2]['file_name']


@fault('image without height', ('missing_key', 1))
def _(content, images):
    del content['images'][0]['height']


@fault('width is text', ('invalid_value', 1))
def _(content, images):
    content['images'][0]['width'] = '30'


@fault('image has nan', ('not_finite', 3))
def _(content, images):
    content['images'][2]['exposure'] = NAN


@fault(
    'image missing',
    ('missing_image', 1),
    removed=[('images', 1), ('annotations', 11), ('annotations', 12)],
)
def _(content, images):
    images['1.png'] = ImageFile('images/1.png', None, 'there is no file 1.png')


@fault(
    'image of another size',
    ('image_size', 1),
    removed=[('images', 1), ('annotations', 11), ('annotations', 12)],
)
def _(content, images):
    images['1.png'] = ImageFile('images/1.png', (40, 60))


@fault('image without objects of another size', ('image_size', 3))
def _(content, images):
    images['3.png'] = ImageFile('images/3.png', (40, 60))


@fault(
    'size annotated wrong',
    ('image_size', 1),
    *[('mask_size', 11)] * 2,
    *[('mask_size', 12)] * 3,
)
def _(content, images):
    content['images'][0]['height'] = 21


@fault(
    'category name twice', ('duplicate_category_name', 6), removed=[('categories', 6)]
)
def _(content, images):
    content['categories'].append(dict(id=6, name='cup'))
    entry(content, 13)['category_id'] = 6


@fault('category twice', ('duplicate_category_id', 9), removed=[('categories', 9)])
def _(content, images):
    content['categories'].append(dict(id=9, name='cup'))


@fault(
    'two categories with one id',
    ('duplicate_category_id', 9),
    removed=[
        ('categories', 9),
        ('categories', 9),
        ('annotations', 12),
        ('annotations', 13),
    ],
)
def _(content, images):
    content['categories'].append(dict(id=9, name='plate'))


@fault('category without name', ('missing_key', 7), removed=[('categories', 7)])
def _(content, images):
    content['categories'].append(dict(id=7))


def planted(item):
    """A good file with a fault in it: content and images."""
    content, images = copy.deepcopy(good_content()), good_images()
    item.plant(content, images)
    return content, images
