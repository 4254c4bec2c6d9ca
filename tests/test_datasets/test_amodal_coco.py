import json

import pytest
from mmdet.registry import DATASETS
from mmengine.config import ConfigDict
from mmengine.logging import MMLogger
from planted_faults import entry, good_content, write_images

from oaformer.datasets import (
    COCOAClsDataset,
    parse_amodal_annotation,
    read_annotation_file,
)
from oaformer.datasets.findings import AnnotationError
from oaformer.engine.dataset_config import dataset_classes


@pytest.fixture
def write(tmp_path):
    """Write images and an annotation file; returns the data set."""
    write_images(tmp_path / 'images')

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
        return DATASETS.build(cfg | changes)

    return build


def changed(annotation_id, **values):
    content = good_content()
    entry(content, annotation_id).update(values)
    return content


def test_instances(write):
    content = good_content()
    first, second, third = write(content)
    box, cup = first['instances']
    assert (box['bbox_label'], cup['bbox_label']) == (0, 1)
    assert (box['annotation_id'], cup['annotation_id']) == (11, 12)
    assert (box['visible_mask'], box['occlusion_rate']) == (None, 0)
    assert box['bbox'] == [3, 2, 23, 12]
    assert cup['visible_mask'] == entry(content, 12)['visible_mask']
    assert cup['occlusion_rate'] == 0.325
    flags = [each['ignore_flag'] for each in second['instances']]
    assert flags == [1, 0, 0]
    assert third['instances'] == []


def test_classes_come_from_the_file_or_from_metainfo(write):
    # in the order of their ids, 5 and 9
    assert write(good_content()).metainfo['classes'] == ('box', 'cup')
    assert len(COCOAClsDataset.METAINFO['classes']) == 80
    for classes, labels in ((('box', 'cup'), [0, 1]), (('cup', 'box'), [1, 0])):
        dataset = write(good_content(), metainfo=dict(classes=classes))
        assert [each['bbox_label'] for each in dataset[0]['instances']] == labels


@pytest.mark.parametrize(
    ('metainfo', 'message'),
    [
        (
            dict(classes=('cup', 'plate')),
            r"classes \['plate'\] are not among its .*cup",
        ),
        (dict(classes=('cup', 'Box')), r"classes \['Box'\] are not among"),
        (dict(CLASSES=('cup', 'box')), 'metainfo has CLASSES, .*: write classes'),
        (dict(classes=('cup')), r"is the text 'cup': .* write classes=\('cup',\)"),
        (dict(classes=('cup', 'cup')), 'names a class twice'),
        (dict(classes=('Cup ', 'box')), r"'Cup ', 'cup' may be meant. Set"),
        (dict(classes=(9, 5)), r'classes \[9, 5\] are not among'),
    ],
)
def test_wrong_classes_are_named(write, metainfo, message):
    with pytest.raises(ValueError, match=f'annotations.json: .*{message}'):
        write(good_content(), metainfo=metainfo)


@pytest.mark.parametrize('kind', ['AmodalCocoDataset', 'COCOAClsDataset'])
def test_class_agnostic(write, kind, capsys):
    """One class, also where the type names classes that the file does not have."""
    MMLogger.get_instance('test_amodal_coco')
    by_class = write(good_content())
    agnostic = write(good_content(), type=kind, class_agnostic=True)
    output = capsys.readouterr()
    assert '5 instances (object 5)' in output.out + output.err
    assert agnostic.metainfo['classes'] == ('object',)
    assert agnostic.num_objects == by_class.num_objects
    for image, other in zip(agnostic, by_class, strict=True):
        expected = [each | dict(bbox_label=0) for each in other['instances']]
        assert image['instances'] == expected
    # known before the file is read
    lazy = write(good_content(), type=kind, class_agnostic=True, lazy_init=True)
    assert lazy.metainfo['classes'] == ('object',)


def test_class_agnostic_leaves_no_class_out(write):
    metainfo = dict(classes=('cup',))
    words = r"classes \['cup'\] .*\['object'\]. Leave out metainfo.classes or class_agn"
    with pytest.raises(AnnotationError, match=words):
        write(good_content(), class_agnostic=True, metainfo=metainfo)


def test_classes_that_are_left_out_are_checked_as_well(write):
    cups = dict(metainfo=dict(classes=('cup',)))
    assert len(write(good_content(), **cups)[0]['instances']) == 1
    with pytest.raises(ValueError, match='annotation 11.*"area" is \'large\''):
        write(changed(11, area='large'), **cups)


def test_a_subclass_may_call_parse_data_info_at_any_time(write):
    content = good_content()
    dataset = write(content)
    item = entry(content, 11)
    pairs = [(item, parse_amodal_annotation(item, 20, 30))]
    raw = dict(raw_img_info=content['images'][2], raw_ann_info=pairs)
    info = dataset.parse_data_info(raw)
    assert [each['bbox'] for each in info['instances']] == [[3, 2, 23, 12]]


def test_filter_leaves_out_images_but_not_in_test_mode(write):
    empty = dict(filter_cfg=dict(filter_empty_gt=True))
    assert len(write(good_content(), **empty)) == 2
    assert len(write(good_content(), test_mode=True, **empty)) == 3
    # the second image is 24 x 16
    assert len(write(good_content(), filter_cfg=dict(min_size=17))) == 2


@pytest.mark.parametrize(
    ('number', 'with_objects', 'words'),
    [
        (12, 0, 'box 3, cup 2; 12 of 14 classes without one: c0, c1, c2 and 9 more'),
        (11, 11, '16 instances (13 classes, c0 1 to box 3)'),
        (13, 11, 'c0 1 to box 3; 2 of 15 classes without one: c11, c12)'),
    ],
)
def test_many_classes_are_summed_up(write, capsys, number, with_objects, words):
    MMLogger.get_instance('test_amodal_coco')
    content = good_content()
    names = [dict(id=10 + n, name=f'c{n}') for n in range(number)]
    content['categories'] += names
    item = entry(content, 11)
    content['annotations'] += [
        item | dict(id=100 + n, category_id=10 + n) for n in range(with_objects)
    ]
    write(content)
    output = capsys.readouterr()
    assert words in output.out + output.err


def test_crowds_and_ignored_objects_are_summed_up(write, capsys):
    MMLogger.get_instance('test_amodal_coco')
    write(changed(11, ignore=1))
    output = capsys.readouterr()
    assert '1 crowds, 1 marked "ignore"' in output.out + output.err


@pytest.mark.parametrize(
    ('options', 'reason'),
    [
        (dict(filter_empty_gt=True), '0 have a .* 3 have no object of bag:'),
        (dict(min_size=99), '3 have a side below min_size=99'),
        (dict(filter_empty_gt=True, min_size=17), '1 have a side .* 2 have no object'),
    ],
)
def test_nothing_left_to_train_on_is_an_error(write, options, reason):
    content = good_content()
    content['categories'].append(dict(id=6, name='bag'))
    with pytest.raises(AnnotationError, match=f'annotations.json: nothing.*{reason}'):
        write(content, filter_cfg=options, metainfo=dict(classes=('bag',)))


def test_what_can_be_learned_is_counted(write):
    content = good_content()
    dataset = write(content)
    # 13 is a crowd
    assert dataset.num_objects == {1: 2, 2: 2, 3: 0} and dataset.num_occluded == 2
    # 14 and 15 are in image 2, 24 x 16; 12 is occluded
    left = write(content, filter_cfg=dict(filter_empty_gt=True, min_size=17))
    assert left.num_objects == {1: 2} and left.num_occluded == 1
    last = write(content, indices=[2], serialize_data=False)
    assert last.num_objects == {3: 0} and last.num_occluded == 0
    entry(content, 12)['ignore'] = 1
    dataset = write(content)
    assert dataset.num_occluded == 1
    flags = [each['ignore_flag'] for each in dataset.get_data_info(0)['instances']]
    assert flags == [0, 1]


@pytest.mark.parametrize('indices', [0, []])
@pytest.mark.parametrize('test_mode', [False, True])
def test_indices_that_leave_no_image_are_an_error(write, indices, test_mode):
    options = dict(indices=indices, test_mode=test_mode)
    with pytest.raises(AnnotationError, match='annotations.json: indices=.* no image'):
        write(good_content(), **options)
    lazy = write(good_content(), lazy_init=True, **options)
    for _ in range(2):
        with pytest.raises(AnnotationError, match='leaves no image'):
            lazy.full_init()


def test_what_the_filter_leaves_is_said(write, capsys):
    MMLogger.get_instance('test_amodal_coco')
    write(good_content(), filter_cfg=dict(filter_empty_gt=True, min_size=17))
    output = capsys.readouterr()
    assert (
        'annotations.json: 1 of 3 images with 2 instances are left after filter_cfg; '
        'left out: 1 with a side below min_size=17, 1 without objects'
    ) in output.out + output.err


def test_an_image_listed_twice_is_said(write, capsys):
    MMLogger.get_instance('test_amodal_coco')
    content = good_content()
    content['images'][2]['file_name'] = './1.png'
    write(content)
    output = capsys.readouterr()
    assert './1.png is also the file of image 1' in output.out + output.err


def test_one_line_tells_what_was_read(write, capsys):
    MMLogger.get_instance('test_amodal_coco')
    content = changed(12, occlude_rate=0.1)
    entry(content, 11).update(bbox=[0, 0, 9, 9], area=9)
    entry(content, 13)['ignore'] = 1
    entry(content, 14)['category_id'] = 6
    content['categories'].append(dict(id=6, name='bag'))
    write(content, metainfo=dict(classes=('cup', 'box')))
    output = capsys.readouterr()
    lines = (output.out + output.err).splitlines()
    (line,) = [line for line in lines if 'annotations.json' in line]
    # 12 and 15 are occluded
    assert (
        '3 images (1 without objects), 4 instances (cup 2, box 2), 2 of them occluded '
        '(50%), 1 crowds;'
    ) in line
    for part in (
        'corrected: occlusion rate recomputed from the masks',
        'corrected: box recomputed from the amodal mask',
        'corrected: area recomputed from the amodal mask',
        'left out: of a class that is not in metainfo',
    ):
        assert f'; 1 {part}' in line


@pytest.mark.parametrize(
    ('data', 'words'),
    [
        ('{"images": [', 'annotations.json is not valid JSON'),
        ([], 'no list "images" and no list "annotations" and no list "categories"'),
        (dict(images=[], categories=[]), r'"annotations": \[\] is allowed'),
        (dict(images=[], annotations=[], categories=[]), '"images" is empty'),
        (dict(images=[], annotations=[dict(regions=[])]), 'cocoa_to_amodal.py'),
        (changed(11, a_segm=[]), 'original KINS.*kins_to_amodal.py'),
        (
            changed(12, image_id=77),
            r'annotations.json: annotation 12 \(image 77\): image_id 77 not found',
        ),
        (changed(11, iscrowd='0'), r'annotation 11 \(image 1, 1.png\): "iscrowd" is'),
    ],
)
def test_bad_files_name_file_and_annotation(write, data, words):
    with pytest.raises(ValueError, match=words):
        write(data)


def test_missing_files_are_named(write, tmp_path):
    with pytest.raises(FileNotFoundError, match='annotation file not found'):
        write(good_content(), ann_file='absent.json')
    (tmp_path / 'images' / '2.png').unlink()
    with pytest.raises(FileNotFoundError, match='1 of 3 images.*image 2.*2.png'):
        write(good_content())


def test_a_file_of_classes_may_end_in_blank_lines(write, tmp_path):
    path = tmp_path / 'classes.txt'
    path.write_text('cup\nbox\n\n\n')
    metainfo = dict(classes=str(path))
    assert write(good_content(), metainfo=metainfo).metainfo['classes'] == (
        'cup',
        'box',
    )
    test_data = dict(type='AmodalCocoDataset', metainfo=metainfo)
    cfg = ConfigDict(test_dataloader=dict(dataset=test_data))
    assert dataset_classes(cfg) == ('cup', 'box')


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-32'])
def test_encodings_of_json(tmp_path, encoding):
    file = tmp_path / 'a.json'
    text = json.dumps(good_content(), ensure_ascii=False).replace('cup', 'caf\u00e9')
    file.write_bytes(text.encode(encoding))
    assert [*read_annotation_file(str(file)).category_ids] == ['box', 'caf\u00e9']


def test_what_is_no_annotation_file_is_named(tmp_path):
    with pytest.raises(AnnotationError, match='is a folder'):
        read_annotation_file(str(tmp_path))
    file = tmp_path / 'a.json'
    file.write_bytes('{"name": "caf\u00e9"}'.encode('latin-1'))
    with pytest.raises(AnnotationError, match='save it as UTF-8'):
        read_annotation_file(str(file))
    file.write_text(json.dumps([dict(image_id=1, category_id=5, score=0.5)]))
    with pytest.raises(AnnotationError, match='a list of predictions'):
        read_annotation_file(str(file))
