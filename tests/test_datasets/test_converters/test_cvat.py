import cvat_file as cvat
import numpy as np
import pytest
from cvat_file import CUP, HEIGHT, PLATE, WIDTH, element, polygon

from oaformer.datasets.converters.cvat import read_cvat
from oaformer.datasets.converters.outlines import convert_outlines
from oaformer.structures import decode_masks, rle_area, rle_bbox


@pytest.fixture
def read(tmp_path):
    """Read an image with these shapes."""

    def read(*shapes, **attributes):
        cvat.write_image(tmp_path / 'images' / 'a.jpg')
        path = cvat.write(
            tmp_path / 'annotations.xml', cvat.image('a.jpg', *shapes, **attributes)
        )
        (image,) = read_cvat(str(path))
        return image

    return read


def test_an_export(read, tmp_path):
    image = read(
        polygon('plate', PLATE, 1, occluded=1), polygon(' cup', CUP, -2, group_id=4)
    )
    assert image.file == str(tmp_path / 'annotations.xml')
    assert image.entry == dict(file_name='a.jpg', height=HEIGHT, width=WIDTH)
    assert image.subset is None
    plate, cup = image.outlines
    assert (plate.name, plate.label, plate.order) == ('shape 1 (plate)', 'plate', 1)
    assert (plate.group, plate.is_marked) == (None, True)
    assert (cup.label, cup.order, cup.group, cup.is_marked) == ('cup', -2, '4', False)
    assert rle_bbox(plate.mask) == [5, 5, 20, 10]
    assert rle_area(plate.mask) == 200
    assert read().outlines == []


@pytest.mark.parametrize(
    ('orders', 'rates'), [((0, 1), [49 / 200, 0]), ((3, -1), [0, 0.49])]
)
def test_higher_layers_are_in_front(read, orders, rates):
    image = read(*map(polygon, ('plate', 'cup'), (PLATE, CUP), orders))
    annotations = convert_outlines('CVAT', [image]).content['annotations']
    assert [each['occlude_rate'] for each in annotations] == pytest.approx(rates)


def test_pairs_of_one_layer_are_listed(read, tmp_path):
    image = read(polygon('plate', PLATE), polygon('cup', CUP))
    with pytest.raises(ValueError, match='1 pairs of objects overlap') as caught:
        convert_outlines('CVAT', [image])
    line = f'{tmp_path}/annotations.xml: image a.jpg: shape 1 (plate) and shape 2 (cup)'
    assert f'{line} (49 pixels)' in str(caught.value)


def test_shapes(read):
    bitmap = np.ones((4, 6), int)
    bitmap[0, :2], bitmap[3, 4] = 0, 0
    ellipse = dict(label='ball', cx='12.00', cy='10.00', rx='8.00', ry='4.00')
    box = dict(label='box', xtl='2.00', ytl='4.00', xbr='10.00', ybr='8.00')
    outlines = read(
        element('box', **box),
        element('box', **box, rotation='90.00'),
        element('ellipse', **ellipse),
        element('ellipse', **ellipse, rotation='90.00'),
        cvat.mask('blob', bitmap, 7, 2),
        cvat.mask('blob', 1 - bitmap, 27, 18),
    ).outlines
    boxes = [rle_bbox(each.mask) for each in outlines]
    assert boxes[:2] == [[2, 4, 8, 4], [4, 2, 4, 8]]
    np.testing.assert_allclose(boxes[2], [4, 6, 16, 8], atol=1)
    np.testing.assert_allclose(boxes[3], [8, 2, 8, 16], atol=1)
    whole = decode_masks([outlines[4].mask])[0]
    np.testing.assert_array_equal(whole[2:6, 7:13], bitmap)
    assert whole.sum() == bitmap.sum()
    # of the other one the image has the pixels 0 and 1 of the first row
    assert rle_area(outlines[5].mask) == 2
    assert [each.notes for each in outlines] == [()] * 5 + [
        ('outline cut at the edge of the image',)
    ]


def test_shapes_that_are_no_outlines_are_left_out_and_counted(read):
    points = dict(label='x', points='1,1;2,2')
    kinds = 'points', 'polyline', 'polyline', 'cuboid', 'skeleton', 'tag'
    image = read(polygon('cup', CUP), *(element(kind, **points) for kind in kinds))
    assert len(image.outlines) == 1
    assert image.left_out['of the type polyline, not an outline'] == 2
    assert sum(image.left_out.values()) == 6


@pytest.mark.parametrize('folder', ['', 'images/', 'images/val/'])
def test_subsets_of_a_project(tmp_path, folder):
    """With their folders, or images all in one, or beside the file."""
    base = 'images/' if folder.startswith('images') else ''
    for subset in ('train', 'val'):
        where = f'images/{subset}/' if folder == 'images/val/' else base
        cvat.write_image(tmp_path / where / f'{subset}.jpg')
    path = cvat.write(
        tmp_path / 'annotations.xml',
        cvat.image('train.jpg', polygon('cup', CUP), subset='train'),
        cvat.image('val.jpg', subset='val'),
    )
    images = read_cvat(str(path))
    assert [each.subset for each in images] == ['train', 'val']
    name = 'val/val.jpg' if folder == 'images/val/' else 'val.jpg'
    assert images[1].entry['file_name'] == name


def test_files_of_a_folder_are_subsets(tmp_path):
    for name in ('train', 'val'):
        cvat.write_image(tmp_path / 'photos' / f'{name}.jpg')
        cvat.write(tmp_path / 'sets' / f'{name}.xml', cvat.image(f'{name}.jpg'))
    images = read_cvat(str(tmp_path / 'sets'), str(tmp_path / 'photos'))
    assert [each.subset for each in images] == ['train', 'val']
    with pytest.raises(ValueError, match='no XML file is in this folder'):
        read_cvat(str(tmp_path))


BAD_SHAPES = {
    'two points': (
        element('polygon', label='cup', points='1,1;2,2'),
        'shape 1 (cup): a polygon needs at least three points, not 2',
    ),
    'no pairs': (element('polygon', label='cup', points='1,1;2;3,3'), 'not pairs of'),
    'text': (element('polygon', label='cup', points='a,b'), 'not pairs of numbers'),
    'no points': (element('polygon', label='cup'), 'not pairs of numbers'),
    'no label': (
        element('box', xtl=1, ytl=1, xbr=5, ybr=5),
        'shape 1 (box): its label is missing',
    ),
    'no corner': (
        element('box', label='cup', xtl=1, ytl=1, xbr=5),
        'shape 1 (cup): its ybr is None, not a number',
    ),
    'order': (polygon('cup', CUP, 'x'), "its z_order is 'x', not a number"),
    'type': (element('sphere', label='cup'), "its type 'sphere' is not known"),
    'outside': (polygon('cup', (40, 0, 50, 9)), 'covers no pixel of the image'),
    'runs': (
        element('mask', label='cup', rle='3, 4', left=0, top=0, width=2, height=4),
        'its rle has 7 pixels, its box is 4 x 2',
    ),
    'negative run': (
        element('mask', label='cup', rle='-1, 9', left=0, top=0, width=2, height=4),
        'its rle has 8 pixels',
    ),
    'no runs': (
        element('mask', label='cup', left=0, top=0, width=2, height=4),
        'its rle is not made of whole numbers',
    ),
    'a huge box': (
        element('mask', label='cup', rle='1' + '0' * 12, left=0, top=0).replace(
            ' top', ' width="1000000" height="1000000" top'
        ),
        'its box is 1000000 x 1000000, its image 20 x 30',
    ),
}


@pytest.mark.parametrize('name', BAD_SHAPES)
def test_a_bad_shape_is_named(read, tmp_path, name):
    bad, words = BAD_SHAPES[name]
    with pytest.raises(ValueError) as caught:
        read(bad)
    assert str(caught.value).startswith(f'{tmp_path}/annotations.xml: image a.jpg: ')
    assert words in str(caught.value)


def test_bad_images_are_named_all_at_once(tmp_path):
    cvat.write_image(tmp_path / 'a.jpg')
    path = cvat.write(
        tmp_path / 'x.xml',
        cvat.image('a.jpg', polygon('cup', (0, 0, 0, 0)), polygon('', CUP)),
        cvat.image('a.jpg'),
        cvat.image('none.jpg'),
        cvat.image('a.jpg', height=21),
        cvat.image('a.jpg', width='wide'),
        cvat.image(''),
        cvat.image('/etc/passwd'),
    )
    with pytest.raises(ValueError, match='8 problems') as caught:
        read_cvat(str(path))
    expected = [
        'image a.jpg: shape 1 (cup): it covers no pixel',
        'image a.jpg: shape 2 (polygon): its label is missing',
        f'image a.jpg is also in {path}: image a.jpg',
        f'image none.jpg: Image not found: {tmp_path}/none.jpg',
        f'image a.jpg: {tmp_path}/a.jpg is 20 x 30 (height x width), annotated as 21',
        "image a.jpg: its width is 'wide', not a number",
        'image : its name is missing',
        'image /etc/passwd: ',
    ]
    lines = str(caught.value).splitlines()[1:]
    for line, words in zip(lines, expected, strict=True):
        assert line.startswith(f'  {path}: {words}')


@pytest.mark.parametrize(
    'doctype',
    [
        '<!DOCTYPE a [<!ENTITY a "b">]>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE annotations SYSTEM "http://a.b/c.dtd">',
    ],
)
def test_a_document_type_is_refused(tmp_path, doctype):
    path = cvat.write(tmp_path / 'a.xml', head=doctype)
    with pytest.raises(
        ValueError, match=r'cannot read .*a.xml: it has a document type'
    ):
        read_cvat(str(path))


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('<annotations>', 'cannot read {}: no element found'),
        ('', 'cannot read {}: no element found'),
        ('<?xml version="1.0" encoding="x-none"?><annotations/>', 'cannot read {}: '),
        ('<html/>', '{} is not of the format "CVAT for images 1.1"'),
        (
            '<annotations><track id="0"/></annotations>',
            '{} is not of the format "CVAT for images 1.1": export that one',
        ),
    ],
)
def test_a_bad_file_is_named(tmp_path, text, words):
    path = tmp_path / 'a.xml'
    path.write_text(text)
    with pytest.raises(ValueError) as caught:
        read_cvat(str(path))
    assert str(caught.value).startswith(words.format(path))
    with pytest.raises(ValueError, match=r'cannot read .*none.xml: '):
        read_cvat(str(tmp_path / 'none.xml'))
