import json

import cv2
import numpy as np
import pytest
from mmdet.registry import DATASETS
from mmengine.logging import MMLogger

from oaformer.datasets import COCOAClsDataset, parse_amodal_annotation
from oaformer.structures import encode_masks

HEIGHT, WIDTH = 20, 30


def rle(y1, x1, y2, x2):
    bitmap = np.zeros((1, HEIGHT, WIDTH), dtype=np.uint8)
    bitmap[0, y1:y2, x1:x2] = 1
    return encode_masks(bitmap)[0]


def annotation(annotation_id, image_id=1, category_id=5, **more):
    return (
        dict(
            id=annotation_id,
            image_id=image_id,
            category_id=category_id,
            segmentation=rle(2, 3, 12, 23),
            bbox=[3, 2, 20, 10],
            area=200,
        )
        | more
    )


def content():
    """Two images of categories with ids 5 and 9, one of them without objects."""
    return dict(
        images=[
            dict(id=1, file_name='1.png', height=HEIGHT, width=WIDTH),
            dict(id=2, file_name='2.png', height=HEIGHT, width=WIDTH),
        ],
        annotations=[
            annotation(11),
            annotation(
                12,
                category_id=9,
                visible_mask=rle(2, 3, 12, 8),
                occlude_rate=0.75,
                iscrowd=True,
            ),
        ],
        categories=[dict(id=9, name='cup'), dict(id=5, name='box')],
    )


@pytest.fixture
def write(tmp_path):
    (tmp_path / 'images').mkdir()
    for name in ('1.png', '2.png'):
        image = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / 'images' / name), image)

    def build(data, **changes):
        text = data if isinstance(data, str) else json.dumps(data)
        (tmp_path / 'annotations.json').write_text(text)
        cfg = dict(
            type='AmodalCocoDataset',
            data_root=str(tmp_path),
            ann_file='annotations.json',
            data_prefix=dict(img='images'),
            pipeline=[],
        )
        cfg.update(changes)
        return DATASETS.build(cfg)

    return build


def test_instances(write):
    first, second = write(content())
    assert [each['bbox_label'] for each in first['instances']] == [1, 0]
    assert [each['annotation_id'] for each in first['instances']] == [11, 12]
    whole, occluded = first['instances']
    assert whole['visible_mask'] is None
    assert whole['occlusion_rate'] == 0
    assert whole['bbox'] == [3, 2, 23, 12]
    assert (whole['ignore_flag'], occluded['ignore_flag']) == (0, 1)
    assert occluded['visible_mask'] == rle(2, 3, 12, 8)
    assert occluded['occlusion_rate'] == 0.75
    assert second['instances'] == []


def test_classes_come_from_the_file_or_from_metainfo(write):
    assert write(content()).metainfo['classes'] == ('cup', 'box')
    assert len(COCOAClsDataset.METAINFO['classes']) == 80
    dataset = write(content(), metainfo=dict(classes=('box', 'cup')))
    assert [each['bbox_label'] for each in dataset[0]['instances']] == [0, 1]
    with pytest.raises(ValueError, match=r"classes \['plate'\] are not among"):
        write(content(), metainfo=dict(classes=('cup', 'plate')))


def test_classes_that_are_left_out_are_checked_as_well(write):
    data, cups = content(), dict(metainfo=dict(classes=('cup',)))
    assert len(write(data, **cups)[0]['instances']) == 1
    data['annotations'][0]['area'] = 'large'
    with pytest.raises(ValueError, match='annotation 11.*"area" is \'large\''):
        write(data, **cups)


def test_a_subclass_may_call_parse_data_info_at_any_time(write):
    dataset = write(content())
    image = dict(id=3, file_name='3.png', height=HEIGHT, width=WIDTH)
    item = annotation(13)
    pairs = [(item, parse_amodal_annotation(item, HEIGHT, WIDTH))]
    info = dataset.parse_data_info(dict(raw_img_info=image, raw_ann_info=pairs))
    assert [each['bbox'] for each in info['instances']] == [[3, 2, 23, 12]]


def test_filter_leaves_out_empty_images_but_not_in_test_mode(write):
    cfg = dict(filter_cfg=dict(filter_empty_gt=True))
    assert len(write(content(), **cfg)) == 1
    assert len(write(content(), test_mode=True, **cfg)) == 2


def test_one_line_tells_what_was_read(write, capsys):
    MMLogger.get_instance('test_amodal_coco')
    data = content()
    data['annotations'][1]['occlude_rate'] = 0.1
    data['annotations'] += [annotation(13, ignore=True), annotation(14, category_id=6)]
    data['annotations'][0] |= dict(bbox=[0, 0, 9, 9], area=9)
    data['categories'].append(dict(id=6, name='bag'))
    write(data, metainfo=dict(classes=('cup', 'box')))
    output = capsys.readouterr()
    lines = [
        line
        for line in (output.out + output.err).splitlines()
        if 'annotations.json' in line
    ]
    assert len(lines) == 1
    assert '2 images, 2 instances, 1 of them occluded' in lines[0]
    assert '1 corrected: occlusion rate recomputed from the masks' in lines[0]
    assert '1 corrected: box recomputed from the amodal mask' in lines[0]
    assert '1 corrected: area recomputed from the amodal mask' in lines[0]
    assert '1 left out: marked "ignore"' in lines[0]
    assert '1 left out: of a class that is not in metainfo' in lines[0]


@pytest.mark.parametrize(
    ('data', 'words'),
    [
        ('{"images": [', 'annotations.json is not valid JSON'),
        ([], r"has no \['annotations', 'categories', 'images'\]"),
        (dict(images=[], annotations=[dict(regions=[])]), 'cocoa_to_amodal.py'),
        (
            content() | dict(annotations=[annotation(11, inmodal_seg=[])]),
            'keys of another format.*kins_to_amodal.py',
        ),
        (
            content() | dict(annotations=[annotation(12, image_id=77)]),
            r'annotations.json: annotation 12 \(image 77\): image_id 77 not found',
        ),
        (
            content() | dict(annotations=[annotation(11, iscrowd='0')]),
            r'annotation 11 \(image 1, 1.png\): "iscrowd" is',
        ),
    ],
)
def test_bad_files_name_file_and_annotation(write, data, words):
    with pytest.raises(ValueError, match=words):
        write(data)


def test_missing_files_are_named(write, tmp_path):
    with pytest.raises(FileNotFoundError, match='annotation file not found'):
        write(content(), ann_file='absent.json')
    (tmp_path / 'images' / '2.png').unlink()
    with pytest.raises(FileNotFoundError, match='1 of 2 images.*image 2.*2.png'):
        write(content())
