import cv2
import numpy as np
import pytest
from labelme_folder import CUP, HEIGHT, PLATE, WIDTH, bitmap, pair, shape, write
from PIL import Image

from oaformer.datasets.converters.labelme import read_labelme
from oaformer.datasets.converters.outlines import convert_outlines
from oaformer.structures import decode_masks, rle_area, rle_bbox


def read(folder, *shapes, **options):
    """The outlines of an image with these shapes."""
    write(folder, 'a', shapes)
    (image,) = read_labelme(str(folder), **options)
    return image.outlines


def test_a_folder_and_the_folders_in_it(tmp_path):
    write(tmp_path / 'b', 'c', pair(), '.jpg')
    write(tmp_path, 'a', [])
    (tmp_path / '._a.json').write_text('a copy of macOS')
    empty, image = read_labelme(str(tmp_path))
    assert empty.entry == dict(file_name='a.png', height=HEIGHT, width=WIDTH)
    assert empty.outlines == []
    assert image.entry['file_name'] == 'b/c.jpg'
    assert image.file == str(tmp_path / 'b' / 'c.json')
    plate, cup = image.outlines
    assert (plate.label, plate.name) == ('plate', 'shape 1 (plate)')
    assert [rle_area(each.mask) for each in (plate, cup)] == [200, 100]
    (single,) = read_labelme(str(tmp_path / 'b' / 'c.json'))
    assert single.entry['file_name'] == 'c.jpg'
    (tmp_path / 'out.json').write_text('{"images": [], "annotations": []}')
    assert len(read_labelme(str(tmp_path))) == 2


@pytest.mark.parametrize(
    ('front', 'rates'), [('last', [49 / 200, 0]), ('first', [0, 0.49])]
)
def test_the_last_shape_is_in_front_by_default(tmp_path, front, rates):
    write(tmp_path, 'a', pair())
    images = read_labelme(str(tmp_path), front=front)
    annotations = convert_outlines('labelme', images).content['annotations']
    assert [each['occlude_rate'] for each in annotations] == pytest.approx(rates)


def test_shapes(tmp_path):
    mask = np.ones((4, 6))
    mask[0, :2] = 0
    outlines = read(
        tmp_path,
        shape(' plate ', PLATE, shape_type=None, group_id=3),
        shape('box', [[12, 8], [2, 3]], 'rectangle'),
        shape('box', [[2, 3], [12, 3], [12, 8], [2, 8]], 'rectangle'),
        shape('rhomb', [[5, 0], [10, 5], [5, 10], [0, 5]], 'oriented_rectangle'),
        shape('ball', [[10, 10], [10, 15]], 'circle'),
        shape('blob', [[7, 2], [12, 5]], 'mask', mask=bitmap(mask)),
        shape('wide', [[-5, 0], [5, 0], [5, 5], [-5, 5]]),
    )
    assert [each.label for each in outlines][::5] == ['plate', 'blob']
    assert [each.group for each in outlines] == [3, *[None] * 6]
    boxes = [rle_bbox(each.mask) for each in outlines]
    assert boxes[:3] == [[5, 5, 20, 10], [2, 3, 10, 5], [2, 3, 10, 5]]
    assert boxes[4] == [5, 5, 10, 10]
    assert rle_area(outlines[3].mask) == pytest.approx(50, abs=5)
    blob = decode_masks([outlines[5].mask])[0]
    np.testing.assert_array_equal(blob[2:6, 7:13], mask)
    assert blob.sum() == mask.sum()
    cut = [each.notes for each in outlines]
    assert cut == [()] * 6 + [('outline cut at the edge of the image',)]


def test_shapes_that_are_no_outlines_are_left_out_and_counted(tmp_path):
    kinds = 'point', 'points', 'line', 'linestrip', 'line'
    shapes = [shape('x', [[1, 1], [2, 2]], kind) for kind in kinds]
    write(tmp_path, 'a', [*pair(), *shapes])
    (image,) = read_labelme(str(tmp_path))
    assert len(image.outlines) == 2
    assert image.left_out['of the type line, not an outline'] == 2
    assert sum(image.left_out.values()) == 5


@pytest.mark.parametrize('name', ['..\\photos\\a.png', '../photos/a.png'])
def test_images_are_where_their_file_says(tmp_path, name):
    path = write(tmp_path / 'labels', 'a', pair(), imagePath=name)
    (tmp_path / 'photos').mkdir()
    path.with_suffix('.png').rename(tmp_path / 'photos' / 'a.png')
    (image,) = read_labelme(str(tmp_path / 'labels'))
    assert image.entry['file_name'] == '../photos/a.png'
    (image,) = read_labelme(str(tmp_path / 'labels'), str(tmp_path / 'photos'))
    assert image.entry['file_name'] == 'a.png'


@pytest.mark.parametrize('folder', ['photos', 'photos/b'])
def test_or_in_the_folder_that_is_named(tmp_path, folder):
    path = write(tmp_path / 'labels' / 'b', 'a', pair(), imagePath='C:\\x\\a.png')
    (tmp_path / folder).mkdir(parents=True)
    path.with_suffix('.png').rename(tmp_path / folder / 'a.png')
    (image,) = read_labelme(str(tmp_path / 'labels'), str(tmp_path / 'photos'))
    assert image.entry['file_name'] == f'{folder}/a.png'.removeprefix('photos/')
    with pytest.raises(
        ValueError, match=r'a.json: its image C:\\x\\a.png is not found'
    ):
        read_labelme(str(tmp_path / 'labels'))


def test_the_size_may_be_missing(tmp_path):
    write(tmp_path, 'a', pair(), imageHeight=None, imageWidth=None)
    (image,) = read_labelme(str(tmp_path))
    assert image.entry == dict(file_name='a.png', height=HEIGHT, width=WIDTH)


MASK = bitmap(np.ones((4, 6)))
BAD_SHAPES = {
    'two points': (shape('cup', CUP[:2]), 'shape 2 (cup): a polygon needs at least'),
    'no points': (shape('cup', None), 'shape 2 (cup): its points are not pairs'),
    'a text': (shape('cup', [['a', 'b']] * 3), 'shape 2 (cup): its points are not'),
    'no label': (shape('', CUP), 'shape 2: its label is missing'),
    'label of blanks': (shape(' ', CUP), 'shape 2 ( ): its label is missing'),
    'a list': ([], 'shape 2: it is not an object with keys'),
    'outside': (shape('cup', [[40, 0], [50, 0], [50, 9]]), 'covers no pixel of the'),
    'a group': (shape('cup', CUP, group_id=[1]), 'its group_id is [1], not a number'),
    'type': (shape('cup', CUP, 'cuboid'), "(cup): its type 'cuboid' is not known"),
    'circle': (shape('cup', CUP, 'circle'), 'a circle has two points, not 4'),
    'no mask': (shape('cup', CUP[::2], 'mask'), 'a mask has two points and a "mask"'),
    'no PNG': (shape('cup', CUP[::2], 'mask', mask='abcd'), 'a PNG in base64'),
    'no base64': (shape('cup', CUP[::2], 'mask', mask='(.)'), 'a PNG in base64'),
    'mask size': (
        shape('cup', CUP[::2], 'mask', mask=MASK),
        'its mask is 4 x 6 (height x width), its points are the corners of 11 x 11',
    ),
}


@pytest.mark.parametrize('name', BAD_SHAPES)
def test_a_bad_shape_is_named(tmp_path, name):
    bad, words = BAD_SHAPES[name]
    path = write(tmp_path, 'a', [shape('cup', CUP), bad])
    with pytest.raises(ValueError, match=f'^{path}: ') as caught:
        read_labelme(str(tmp_path))
    assert words in str(caught.value)


def test_bad_files_are_named_all_at_once(tmp_path):
    (tmp_path / 'a.json').write_text('{')
    (tmp_path / 'b.json').write_text('[]')
    (tmp_path / 'c.json').write_text('{"shapes": []}')
    write(tmp_path, 'd', pair(), imageHeight=HEIGHT + 1)
    write(tmp_path, 'e', pair(), imageHeight='20')
    (write(tmp_path, 'f', pair()).with_suffix('.png')).unlink()
    write(tmp_path, 'g', [shape('cup', CUP[:2]), shape('cup', CUP[:1])])
    write(tmp_path, 'h', pair())
    write(tmp_path, 'i', pair(), imagePath='h.png')
    write(tmp_path, 'j', pair()).with_suffix('.png').write_bytes(b'no image')
    with pytest.raises(ValueError, match='10 problems:') as caught:
        read_labelme(str(tmp_path))
    expected = [
        'cannot read {}/a.json',
        '{}/b.json has no "shapes"',
        '{}/c.json has no "shapes" and "imagePath": it is not a file of labelme',
        '{}/d.json: {}/d.png is 20 x 30 (height x width), annotated as 21 x 30',
        '{}/e.json: {}/e.png is 20 x 30',
        '{}/f.json: its image f.png is not found',
        '{}/g.json: shape 1 (cup): a polygon',
        '{}/g.json: shape 2 (cup): a polygon',
        '{}/i.json: {}/h.json: image h.png is of the same image',
        '{}/j.json: {}/j.png could not be read',
    ]
    lines = str(caught.value).splitlines()[1:]
    for line, words in zip(lines, expected, strict=True):
        assert line.strip().startswith(words.replace('{}', str(tmp_path)))


def test_nothing_to_read(tmp_path):
    with pytest.raises(ValueError, match='no file of labelme is there'):
        read_labelme(str(tmp_path))
    with pytest.raises(ValueError, match=r'cannot read .*none.json'):
        read_labelme(str(tmp_path / 'none.json'))


def test_images_turned_by_exif_are_read_turned(tmp_path):
    """As labelme shows them and as training reads them."""
    write(tmp_path, 'a', pair(), '.jpg')
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new('RGB', (HEIGHT, WIDTH)).save(tmp_path / 'a.jpg', exif=exif)
    assert cv2.imread(str(tmp_path / 'a.jpg')).shape == (HEIGHT, WIDTH, 3)
    (image,) = read_labelme(str(tmp_path))
    assert image.entry['height'] == HEIGHT
    write(tmp_path, 'a', pair(), '.jpg', imageHeight=WIDTH, imageWidth=HEIGHT)
    Image.new('RGB', (HEIGHT, WIDTH)).save(tmp_path / 'a.jpg', exif=exif)
    with pytest.raises(ValueError, match='annotated as 30 x 20; EXIF orientation 6'):
        read_labelme(str(tmp_path))
