"""Predictions to files of labelling tools, and back by the converters."""

import json

import cv2
import numpy as np
import pytest
from known_scene import CLASSES, KnownInferencer, scene_image

from oaformer.apis import InputError
from oaformer.apis.pre_annotations import (
    EXPORTS,
    PreAnnotations,
    ordered_objects,
    predicted_outlines,
)
from oaformer.datasets.annotation_file import read_annotation_file
from oaformer.datasets.converters.cvat import read_cvat
from oaformer.datasets.converters.labelme import read_labelme
from oaformer.datasets.converters.ordered_coco import read_ordered_coco
from oaformer.datasets.converters.outlines import convert_outlines
from oaformer.datasets.converters.shapes import POLYGON_IOU, rle_iou
from oaformer.structures import decode_masks, encode_masks, rle_area, rle_difference

SIZE = 120, 160
FILES = dict(coco='coco.json', cvat='cvat.xml', labelme='labelme')


def prediction(amodal, visible=None, rates=None, path='a.png', labels=None):
    """A prediction as plain data; scores fall from 0.9 on."""
    labels = labels or [0] * len(amodal)
    height, width = np.shape(amodal)[1:]
    found = dict(img_path=str(path), height=height, width=width, labels=labels)
    found['label_names'] = ['cup' if label == 0 else 'box' for label in labels]
    found['scores'] = [0.9 - 0.01 * index for index in range(len(amodal))]
    found['masks'] = encode_masks(amodal)
    if visible is not None:
        found['visible_masks'] = encode_masks(visible)
    if rates is not None:
        found['occlusion_rates'] = list(rates)
    return found


def painted(seed, number=8):
    """Ellipses laid on each other; amodal and visible masks, and their places."""
    rng = np.random.default_rng(seed)
    amodal = np.zeros((number, *SIZE), np.uint8)
    for mask in amodal:
        centre = rng.integers(20, 100, 2).tolist()
        axes = rng.integers(6, 30, 2).tolist()
        cv2.ellipse(mask, centre, axes, int(rng.integers(180)), 0, 360, 1, -1)
    places = rng.permutation(number)
    visible = amodal.copy()
    for index in range(number):
        visible[index] &= 1 - amodal[places < places[index]].max(axis=0, initial=0)
    return amodal, visible, places


def write(tmp_path, kind, found, classes=('cup', 'box')):
    """Write a prediction; returns the file or folder to convert back."""
    image = tmp_path / 'images' / 'a.png'
    image.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(image), np.zeros((found['height'], found['width'], 3), np.uint8))
    found['img_path'] = str(image)
    export = PreAnnotations(kind, tmp_path / 'out', 0.3, classes)
    export.plan([str(image)], lambda _: 'a')
    export.add(found, 'a')
    export.finish()
    return str(tmp_path / 'out' / FILES[kind])


def read_back(kind, path, img_dir, **options):
    read = dict(labelme=read_labelme, cvat=read_cvat)[kind]
    images = read(path, str(img_dir))
    found = convert_outlines(kind, images, visible_suffix='_visible', **options)
    return images[0], found


@pytest.mark.parametrize('kind', ['labelme', 'cvat'])
@pytest.mark.parametrize('seed', range(3))
def test_there_and_back(tmp_path, kind, seed):
    """Masks, visible masks, labels and order of a scene come back."""
    amodal, visible, places = painted(seed)
    labels = [index % 2 for index in range(len(amodal))]
    found = prediction(amodal, visible, labels=labels)
    image, result = read_back(
        kind, write(tmp_path, kind, found), tmp_path / 'images', ties=None
    )
    assert image.entry == dict(file_name='a.png', height=SIZE[0], width=SIZE[1])
    # the order says all that is hidden
    assert not any('visible' in each.label for each in image.outlines)
    annotations = result.content['annotations']
    least = 1 if kind == 'cvat' else POLYGON_IOU
    matched = []
    for each in annotations:
        ious = [rle_iou(each['segmentation'], mask) for mask in found['masks']]
        matched.append(int(np.argmax(ious)))
        assert max(ious) >= least > 0.95
    assert sorted(matched) == list(range(len(amodal)))
    names = {each['id']: each['name'] for each in result.content['categories']}
    for index, each in zip(matched, annotations, strict=True):
        assert names[each['category_id']] == found['label_names'][index]
        assert abs(each['occlude_rate'] - hidden(amodal, visible)[index]) < 0.1
        if kind == 'cvat':
            # pairs that share less than ten visible pixels are in any order
            seen = each.get('visible_mask', each['segmentation'])
            differing = decode_masks([seen])[0] != visible[index]
            assert differing.sum() < 30
    depth = {
        index: each['occl_depth']
        for index, each in zip(matched, annotations, strict=True)
    }
    for one in range(len(amodal)):
        for other in range(len(amodal)):
            # ten visible pixels decide on an order
            shared = visible[one] & amodal[other]
            if places[one] < places[other] and shared.sum() >= 10:
                assert depth[one] < depth[other]


def hidden(amodal, visible):
    return 1 - visible.sum(axis=(1, 2)) / amodal.sum(axis=(1, 2))


def test_coco_is_in_the_schema(tmp_path):
    amodal, visible, _ = painted(0)
    found = prediction(amodal, visible, labels=[1] * len(amodal))
    path = write(tmp_path, 'coco', found)
    file = read_annotation_file(path)
    assert [each['name'] for each in json.loads(open(path).read())['categories']] == [
        'cup',
        'box',
    ]
    assert [each['id'] for each in file.annotations] == list(range(1, 9))
    for index, annotation in enumerate(file.annotations):
        parsed = file.parse(annotation)
        assert parsed.corrections == []
        assert parsed.amodal == found['masks'][index]
        assert parsed.visible == found['visible_masks'][index]
        assert annotation['category_id'] == 2
        assert annotation['score'] == found['scores'][index]
    depths = [each['occl_depth'] for each in file.annotations]
    assert np.argsort(depths).tolist() == ordered_objects(found, 0)


def test_coco_without_visible_masks_is_converted_by_its_order(tmp_path):
    amodal, visible, _ = painted(1)
    rates = hidden(amodal, visible)
    found = prediction(amodal, rates=rates)
    path = write(tmp_path, 'coco', found)
    saved = json.loads(open(path).read())['annotations']
    assert [each['occlude_rate'] for each in saved] == pytest.approx(rates)
    assert not any('visible_mask' in each for each in saved)
    images, _ = read_ordered_coco(path, str(tmp_path / 'images'), 'occl_depth', 'low')
    order = np.argsort([-each.order for each in images[0].outlines])
    assert order.tolist() == ordered_objects(found, 0)
    assert [each.mask for each in images[0].outlines] == found['masks']


def boxes(*columns):
    masks = np.zeros((len(columns), 20, 100), np.uint8)
    for mask, (left, right) in zip(masks, columns, strict=True):
        mask[:, left:right] = 1
    return masks


def test_order_of_objects():
    amodal = boxes((0, 20), (10, 40), (30, 60), (70, 90))
    visible = boxes((0, 10), (10, 30), (30, 60), (70, 90))
    found = prediction(amodal, visible)
    # 2 on 1 and 1 on 0; of those with equally few in front the first comes first
    assert ordered_objects(found, 0) == [2, 1, 0, 3]
    # scores are 0.9, 0.89, 0.88 and 0.87
    assert ordered_objects(found, 0.885) == [1, 0]
    assert ordered_objects(found, 0.95) == []
    by_rate = prediction(amodal, rates=[0.5, 0.3, 0.0, 0.0])
    assert ordered_objects(by_rate, 0)[0] == 2
    assert ordered_objects(prediction(amodal), 0) == [0, 1, 2, 3]


def test_what_is_left_out_is_counted(monkeypatch, tmp_path):
    lines = []
    monkeypatch.setattr(
        'oaformer.apis.pre_annotations.print_log', lambda text, **_: lines.append(text)
    )
    # IoU with 0: 0 of an empty mask, 20 / 25, 20 / 25 of another class, 20 / 26
    columns = (0, 20), (5, 5), (0, 25), (0, 25), (0, 26)
    found = prediction(boxes(*columns), labels=[0, 0, 0, 1, 0])
    assert ordered_objects(found, 0) == [0, 3, 4]
    # of two that are the same, the better one stays
    found['scores'][0] = 0.5
    assert ordered_objects(found, 0) == [2, 3]
    write(tmp_path, 'coco', found)
    assert lines == [
        'predicted objects left out of the export: 1 have no pixel, 2 repeat one with '
        'a better score'
    ]


def test_visible_outlines_only_where_the_order_does_not_explain_them(tmp_path):
    """A hand without a label hides 20 columns of 1, and 0 hides 10."""
    amodal = boxes((0, 20), (10, 60))
    visible = boxes((0, 20), (40, 60))
    found = prediction(amodal, visible)
    outlines = predicted_outlines(found, [0, 1])
    assert [(each.label, each.order, each.group) for each in outlines] == [
        ('cup', 0, 1),
        ('cup_visible', 0, 1),
        ('cup', 1, 2),
    ]
    assert outlines[1].mask == found['visible_masks'][1]
    assert [each.is_marked for each in outlines] == [True, True, False]
    for kind in ('labelme', 'cvat'):
        path = write(tmp_path, kind, found)
        _, result = read_back(kind, path, tmp_path / 'images')
        back, front = result.content['annotations']
        assert back['visible_mask'] == found['visible_masks'][1]
        assert (front['occlude_rate'], back['occlude_rate']) == (0, 0.6)
        assert back['invisible_mask'] == rle_difference(
            found['masks'][1], found['visible_masks'][1]
        )


def test_labelme_shapes(tmp_path):
    """Pieces share a group, a ring is a bitmap, scores are kept beside."""
    amodal = np.zeros((3, *SIZE), np.uint8)
    amodal[0, 10:20, 10:20] = amodal[0, 10:20, 40:60] = 1
    amodal[1, 50:90, 50:90] = 1
    amodal[1, 60:80, 60:80] = 0
    amodal[2, 100:118, 100:158] = 1
    # too small a hole for a bitmap
    amodal[2, 110, 110] = 0
    found = prediction(amodal, labels=[1, 0, 0])
    path = write(tmp_path, 'labelme', found)
    content = json.loads((tmp_path / 'out' / 'labelme' / 'a.json').read_text())
    assert content['imagePath'] == '../../images/a.png'
    shapes = content['shapes']
    # from back to front; the best score is in front
    assert [
        (each['label'], each['group_id'], each['shape_type'], each['score'])
        for each in shapes
    ] == [
        ('cup', 1, 'polygon', 0.88),
        ('cup', 2, 'mask', 0.89),
        ('box', 3, 'polygon', 0.9),
        ('box', 3, 'polygon', 0.9),
    ]
    assert shapes[0]['points'] == [[100, 100], [100, 118], [158, 118], [158, 100]]
    assert shapes[1]['points'] == [[50, 50], [89, 89]]
    outlines = read_labelme(path, str(tmp_path / 'images'))[0].outlines
    assert outlines[1].mask == found['masks'][1]
    filled = found['masks'][2]
    assert rle_area(outlines[0].mask) == rle_area(filled) + 1


@pytest.mark.parametrize('kind', EXPORTS)
def test_of_the_inferencer(tmp_path, kind, monkeypatch):
    """Objects below the threshold stay out, and nothing is overwritten."""
    folder = tmp_path / 'images' / 'one'
    folder.mkdir(parents=True)
    names = ['images/one/a b.png', 'images/c.png']
    for name in names:
        cv2.imwrite(str(tmp_path / name), scene_image())
    monkeypatch.chdir(tmp_path)
    inferencer = KnownInferencer()
    options = dict(out_dir='out', no_save_vis=True, no_save_pred=True, export=kind)
    inferencer(names, pred_score_thr=0.5, **options)
    assert [each.name for each in (tmp_path / 'out').iterdir()] == [FILES[kind]]
    path = str(tmp_path / 'out' / FILES[kind])
    if kind == 'coco':
        content = json.loads(open(path).read())
        assert [each['name'] for each in content['categories']] == list(CLASSES)
    else:
        read = dict(labelme=read_labelme, cvat=read_cvat)[kind]
        content = convert_outlines('', read(path, 'images')).content
    entries = [(each['file_name'], each['height']) for each in content['images']]
    expected = [('one/a b.png', 200), ('c.png', 200)]
    # of equal names the converters of folders go by name
    assert sorted(entries) == sorted(expected)
    assert len(content['annotations']) == 4
    areas = {each['area'] for each in content['annotations']}
    assert areas == {10000}
    rates = [each['occlude_rate'] for each in content['annotations']]
    assert sorted(rates) == pytest.approx([0, 0, 0.32, 0.32])

    before = {each: each.read_bytes() for each in tmp_path.rglob('*.*')}
    calls = inferencer.model.calls
    with pytest.raises(InputError, match='exists and may hold corrections'):
        inferencer(names, **options)
    assert {each: each.read_bytes() for each in tmp_path.rglob('*.*')} == before
    assert inferencer.model.calls == calls


def test_what_cannot_be_exported(tmp_path):
    inferencer = KnownInferencer()
    options = dict(out_dir=tmp_path / 'out', export='cvat')
    for item in (scene_image(), 'https://example.org/a.png', 'clip.mp4'):
        with pytest.raises(InputError, match='labelling tools open files of images'):
            inferencer(item, **options)
    with pytest.raises(InputError, match='one of coco, labelme, cvat, not voc'):
        inferencer('a.png', out_dir=tmp_path, export='voc')
    with pytest.raises(InputError, match='needs out_dir'):
        inferencer('a.png', export='coco')
    assert not (tmp_path / 'out').exists()


def test_a_run_that_breaks_off_writes_no_file_of_all(tmp_path):
    for name in 'ab':
        cv2.imwrite(str(tmp_path / f'{name}.png'), scene_image())
    (tmp_path / 'c.png').write_text('not an image')
    paths = [str(tmp_path / f'{name}.png') for name in 'abc']
    with pytest.raises(InputError, match='c.png'):
        KnownInferencer()(paths, out_dir=tmp_path / 'out', export='coco')
    assert not (tmp_path / 'out' / 'coco.json').exists()


def test_classes_that_the_model_does_not_name(tmp_path):
    found = prediction(boxes((0, 20), (30, 40)), labels=[0, 3])
    path = write(tmp_path, 'coco', found, classes=('cup',))
    categories = json.loads(open(path).read())['categories']
    assert categories == [dict(id=1, name='cup'), dict(id=4, name='class 3')]


def test_masks_of_cvat_begin_outside(tmp_path):
    mask = np.zeros((1, 4, 6), np.uint8)
    mask[0, 1:3, 2:5] = [[1, 1, 0], [0, 1, 1]]
    path = write(tmp_path, 'cvat', prediction(mask))
    text = open(path).read()
    place = 'rle="0, 2, 2, 2" left="2" top="1" width="3" height="2" z_order="0"'
    assert place in text
    (outline,) = read_cvat(path, str(tmp_path / 'images'))[0].outlines
    assert decode_masks([outline.mask]).tolist() == mask.tolist()
