import json
from collections import defaultdict

import numpy as np
import pytest
from planted_faults import (
    FAULTS,
    SIZES,
    entry,
    first,
    good_content,
    planted,
    write_images,
)

from oaformer.datasets import AmodalCocoDataset, read_annotation_file
from oaformer.datasets.annotation_check import (
    ImageFile,
    check_annotations,
    read_image_files,
)
from oaformer.datasets.findings import ERROR, KINDS
from oaformer.evaluation import load_ground_truth

OF_IMAGE_FILES = {'missing_image', 'image_size'}
PIPELINE = [dict(type='LoadImageFromFile'), dict(type='LoadAmodalAnnotations')]


def kinds_and_ids(findings):
    return [(finding.kind, finding.id) for finding in findings]


@pytest.fixture
def write(tmp_path):
    """Write an annotation file and its images; returns all findings."""

    def build(content, sizes=SIZES):
        (tmp_path / 'a.json').write_text(json.dumps(content))
        write_images(tmp_path, sizes)
        names = [image.get('file_name') for image in content['images']]
        names = [name for name in names if isinstance(name, str)]
        return check_annotations(content, read_image_files(names, tmp_path)).findings

    return build


@pytest.fixture
def load(tmp_path):
    """Load what was written as training and as the metric does."""

    def training():
        dataset = AmodalCocoDataset(
            ann_file='a.json',
            data_root=str(tmp_path),
            data_prefix=dict(img=''),
            pipeline=PIPELINE,
            test_mode=True,
            # collects garbage, which takes longer than all else here
            serialize_data=False,
        )
        return list(dataset)

    def metric():
        return load_ground_truth(str(tmp_path / 'a.json'))

    return dict(training=training, metric=metric)


def raised(function):
    """The message of what a function raises, None where it does not."""
    try:
        function()
    except (ValueError, FileNotFoundError) as error:
        return str(error)
    return None


def test_nothing_is_wrong_with_a_good_file(write, load):
    assert write(good_content()) == []
    assert [len(image['gt_masks']) for image in load['training']()] == [2, 3, 0]
    assert len(load['metric']().annotations) == 5


@pytest.mark.parametrize('fault', FAULTS, ids=lambda fault: fault.name)
def test_error_in_the_checker_if_and_only_if_the_loader_raises(fault, write, load):
    content, sizes = planted(fault)
    findings = write(content, sizes)
    assert kinds_and_ids(findings) == fault.expected
    errors = [each for each in findings if each.severity == ERROR]
    message = raised(load['training'])
    assert (message is not None) == bool(errors)
    # the metric does not read images; all else it refuses with the same words
    in_file = [each for each in errors if each.kind not in OF_IMAGE_FILES]
    of_metric = raised(load['metric'])
    assert (of_metric is not None) == bool(in_file)
    if in_file:
        assert f'a.json: {in_file[0].place()}: {in_file[0].message}' in message
        assert message.split('a.json', 1)[1] == of_metric.split('a.json', 1)[1]


def test_every_kind_is_planted():
    planted = {kind for fault in FAULTS for kind, _ in fault.expected}
    # the images of the faults have 8 bits and no EXIF
    assert planted == set(KINDS) - {'deep_image', 'turned_image'}


def test_warnings_of_files_are_listed_where_the_size_is_right():
    both = (('turned_image', 'it is turned'), ('deep_image', 'it is dark'))
    files = {
        '1.png': ImageFile((20, 30), warnings=both),
        '2.png': ImageFile((24, 16)),
        '3.png': ImageFile((30, 20), warnings=both),
    }
    findings = check_annotations(good_content(), files).findings
    assert [(each.kind, each.id) for each in findings] == [
        ('turned_image', 1),
        ('deep_image', 1),
        ('empty_image_size', 3),
    ]
    assert findings[2].message.endswith('annotated as 20 x 30; it is turned')


def test_exchanged_sides_are_named():
    files = defaultdict(lambda: ImageFile((20, 30)))
    files['2.png'] = ImageFile((16, 24))
    (finding,) = check_annotations(good_content(), files).findings
    assert finding.kind == 'image_size' and 'are exchanged' in finding.message


@pytest.mark.parametrize('image_id', [1, 2])
def test_exchanged_sides_of_masks_and_of_polygons(image_id, write, load):
    content = good_content()
    image = content['images'][image_id - 1]
    content['annotations'] = [
        annotation | dict(segmentation=[[1, 1, 9, 1, 9, 9]], visible_mask=None)
        for annotation in (entry(content, 11), entry(content, 13))
        if annotation['image_id'] == image_id
    ]
    for key in ('bbox', 'area', 'occlude_rate'):
        content['annotations'][0].pop(key, None)
    image.update(height=image['width'], width=image['height'])
    (finding,) = write(content)
    assert finding.kind == 'image_size' and 'are exchanged' in finding.message
    message = raised(load['training'])
    name, (height, width) = image['file_name'], SIZES[image['file_name']]
    assert f'{name} is {height} x {width} pixels as read' in message
    assert f'is {width} x {height}. Height and width are exchanged' in message


@pytest.mark.parametrize('seed', range(80))
def test_the_same_for_values_of_any_type(seed, tmp_path):
    """Nothing that JSON can hold stops the checker, and it never disagrees."""
    rng = np.random.default_rng(seed)
    odd = [None, True, -1, 0, 10**30, 1.5, float('nan'), '', '7', [], [1], {}, [[]]]
    odd += [dict(size=[20, 30], counts=[600]), dict(size=[20], counts='a'), [None] * 6]
    content = good_content()
    for _ in range(rng.integers(1, 4)):
        section = ('images', 'annotations', 'categories')[rng.integers(3)]
        index = rng.integers(len(content[section]))
        item = content[section][index]
        value = odd[rng.integers(len(odd))]
        if not isinstance(item, dict) or rng.random() < 0.05:
            content[section][index] = value
        else:
            item[sorted(item)[rng.integers(len(item))]] = value
    files = defaultdict(lambda: ImageFile((40, 60)))
    assert check_annotations(content, files).findings
    findings = check_annotations(content).findings
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(content))
    corrections = []

    def load():
        file = read_annotation_file(str(path))
        for annotation in file.annotations:
            parsed = file.parse(annotation)
            assert 0 <= parsed.occlusion_rate <= 1
            assert np.isfinite([*parsed.bbox, parsed.area]).all()
            corrections.extend(parsed.corrections)

    errors = [each for each in findings if each.severity == ERROR]
    message = raised(load)
    assert (message is not None) == bool(errors)
    if errors:
        assert errors[0].message in message
    else:
        # what the checker calls corrected is what the loader counts
        words = [KINDS[each.kind].correction for each in findings]
        assert corrections == [word for word in words if word is not None]


@pytest.mark.parametrize(
    ('annotation_id', 'changes', 'words', 'value'),
    [
        (
            12,
            dict(visible_mask=first((12, 10, 18, 28), (8, 23, 12, 26))),
            '12 pixels of the visible mask lie outside',
            12,
        ),
        (
            12,
            dict(invisible_mask=first((7, 10, 13, 20))),
            '10 pixels are visible as well, 12 pixels are neither visible nor '
            'invisible, 10 pixels lie outside the amodal mask',
            32,
        ),
        (12, dict(occlude_rate=0.425), 'is 0.4250, that of the masks 0.3250', 0.1),
        (11, dict(bbox=[3, 2, 20, 7.5]), 'an edge is 2.5 pixels off', 2.5),
        (11, dict(area=150), '150, the amodal mask has 200 pixels (-50)', -50),
        (11, dict(iscrowd='0'), '"iscrowd" is \'0\', not 0 or 1', None),
        (11, dict(bbox=[3, 2, 20]), '"bbox" is [3, 2, 20], not four numbers', None),
    ],
)
def test_message_and_the_number_that_is_off(annotation_id, changes, words, value):
    content = good_content()
    entry(content, annotation_id).update(changes)
    (finding,) = check_annotations(content).findings
    assert words in finding.message
    assert finding.value == pytest.approx(value)
    assert finding.place() == f'annotation {annotation_id} (image 1, 1.png)'


@pytest.mark.parametrize(
    ('annotation_id', 'changes'),
    [
        (12, dict(occlude_rate=0.3258)),
        (12, dict(occlude_rate=None, bbox=None, area=None, occl_depth=None)),
        (12, dict(invisible_mask=None)),
        (12, dict(visible_mask=None)),
        (11, dict(invisible_mask=[])),
        (11, dict(invisible_mask=[[]])),
        (15, dict(visible_mask=[])),
        (13, dict(occlude_rate=0.4)),
        (12, dict(iscrowd=True, ignore=False)),
        (12, dict(bbox=[])),
        (12, dict(id='cup 12')),
        # a box may end at its last pixel
        (12, dict(bbox=[10, 8, 15, 9])),
        (13, dict(segmentation=[1, 1, 9, 1, 9, 9])),
        # the tip covers no pixel, yet belongs to the box
        (13, dict(segmentation=[[1, 1, 9, 1, 9, 9, 12, 9.1]], bbox=[1, 1, 11, 8.1])),
    ],
)
def test_what_the_schema_allows(annotation_id, changes):
    content = good_content()
    entry(content, annotation_id).update(changes)
    assert check_annotations(content).findings == []


def test_area_of_a_polygon_may_be_that_of_its_outline():
    """COCO's ``area`` is often the polygon's, which is not its number of pixels."""
    rng = np.random.default_rng(0)
    for _ in range(40):
        angles = 2 * np.pi * (np.arange(9) + rng.uniform(-0.3, 0.3, 9)) / 9
        points = rng.uniform(9, 11, 2) + np.stack(
            [rng.uniform(2, 8) * np.cos(angles), rng.uniform(2, 8) * np.sin(angles)], 1
        )
        (x, y), (x2, y2) = points.T, np.roll(points, -1, axis=0).T
        left, top = points.min(axis=0)
        right, bottom = points.max(axis=0)
        content = good_content()
        content['annotations'] = [
            dict(
                id=1,
                image_id=1,
                category_id=9,
                segmentation=[points.ravel().tolist()],
                area=float(abs((x * y2 - x2 * y).sum()) / 2),
                bbox=[left, top, right - left, bottom - top],
            )
        ]
        assert check_annotations(content).findings == []


def test_an_object_is_not_repeated_in_another_category_or_behind_another_object():
    content = good_content()
    again = dict(entry(content, 11), id=16, category_id=9)
    content['annotations'].append(again)
    assert check_annotations(content).findings == []
    again.update(category_id=5, visible_mask=first((2, 3, 12, 13)), occlude_rate=0.5)
    assert check_annotations(content).findings == []


def test_many_faults_at_once_are_all_found():
    content = good_content()
    for fault in FAULTS:
        if fault.name in ('rate off', 'area nan', 'box of three', 'unknown image'):
            fault.plant(content, {})
    assert kinds_and_ids(check_annotations(content).findings) == [
        ('invalid_value', 11),
        ('occlusion_rate', 12),
        ('area', 12),
        ('unknown_image', 13),
    ]
    # masks can't be checked against a size that is a text
    content['images'][0]['width'] = '30'
    assert kinds_and_ids(check_annotations(content).findings) == [
        ('invalid_value', 1),
        ('unknown_image', 13),
    ]


def test_the_checker_changes_nothing():
    for fault in FAULTS:
        content, _ = planted(fault)
        before = repr(content)
        check_annotations(content)
        assert repr(content) == before
