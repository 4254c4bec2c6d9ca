import json
import math

import numpy as np
import pytest
from planted_faults import (
    FAULTS,
    entry,
    first,
    good_content,
    good_images,
    planted,
)

from oaformer.datasets import read_annotation_file
from oaformer.datasets.annotation_check import ERROR, KINDS, check_annotations
from oaformer.datasets.converters import convert_cocoa

# Wrong, but read by the loader: as something else, or not at all.
READ_ALL_THE_SAME = {'area text', 'crowd text', 'crowd unclear'}
OF_IMAGE_FILES = {'missing_image', 'image_size'}


def kinds_and_ids(problems):
    return [(problem.kind, problem.id) for problem in problems]


def test_nothing_is_wrong_with_a_good_file():
    assert check_annotations(good_content(), good_images()).problems == []


@pytest.mark.parametrize('fault', FAULTS, ids=lambda fault: fault.name)
def test_planted_fault_is_found_and_nothing_else(fault):
    content, images = planted(fault)
    problems = check_annotations(content, images).problems
    assert kinds_and_ids(problems) == fault.expected


def test_every_kind_is_planted():
    assert {kind for fault in FAULTS for kind, _ in fault.expected} == set(KINDS)


@pytest.mark.parametrize('fault', FAULTS, ids=lambda fault: fault.name)
def test_severity_is_what_the_loader_does(fault, tmp_path):
    kinds = {kind for kind, _ in fault.expected}
    if kinds & OF_IMAGE_FILES or fault.name in READ_ALL_THE_SAME:
        pytest.skip('not seen by the reader of the file')
    content, _ = planted(fault)
    path = tmp_path / 'annotations.json'
    path.write_text(json.dumps(content))

    def load():
        file = read_annotation_file(str(path))
        return [file.parse(annotation) for annotation in file.annotations]

    if any(KINDS[kind].severity == ERROR for kind in kinds):
        with pytest.raises(ValueError, match='annotations.json: '):
            load()
    else:
        for parsed in load():
            assert 0 <= parsed.occlusion_rate <= 1
            assert all(map(math.isfinite, parsed.bbox))


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
        (11, dict(bbox=[3, 2, 20, -1]), 'the box is 20 x -1', -1),
        (11, dict(area=150), '150, the amodal mask has 200 pixels (-50)', -50),
    ],
)
def test_the_number_that_is_off(annotation_id, changes, words, value):
    content = good_content()
    entry(content, annotation_id).update(changes)
    (problem,) = check_annotations(content).problems
    assert words in problem.message
    assert problem.value == pytest.approx(value)
    assert problem.place() == f'annotation {annotation_id} (image 1, 1.png)'


def test_depth_tells_both_objects_and_the_pixels():
    content = good_content()
    entry(content, 11)['occl_depth'] = 2
    front, back = sorted(check_annotations(content).problems, key=lambda p: -p.id)
    assert front.value == back.value == 52
    assert 'before annotation 11' in front.message
    assert 'behind annotation 12' in back.message


@pytest.mark.parametrize(
    ('annotation_id', 'changes'),
    [
        (12, dict(occlude_rate=0.3258)),
        (12, dict(occlude_rate=None, bbox=None, area=None, occl_depth=None)),
        (12, dict(invisible_mask=None)),
        (12, dict(visible_mask=None)),
        (12, dict(iscrowd=True)),
        # a box may end at its last pixel
        (12, dict(bbox=[10, 8, 15, 9])),
        (13, dict(segmentation=[1, 1, 9, 1, 9, 9])),
        # the tip covers no pixel, yet belongs to the box
        (13, dict(segmentation=[[1, 1, 9, 1, 9, 9, 12, 9.1]], bbox=[1, 1, 11, 8.1])),
    ],
)
def test_what_the_schema_allows_is_no_problem(annotation_id, changes):
    content = good_content()
    entry(content, annotation_id).update(changes)
    assert check_annotations(content).problems == []


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
        assert check_annotations(content).problems == []


def test_same_object_however_its_runs_are_written():
    content = good_content()
    box = entry(content, 11)
    # the same pixels, with a run of no length in between
    runs = dict(size=[20, 30], counts=[62, 5, 0, 5, *[10, 10] * 19, 148])
    again = dict(box, id=16, segmentation=runs, visible_mask=None)
    content['annotations'].append(again)
    assert kinds_and_ids(check_annotations(content).problems) == [
        ('duplicate_object', 16)
    ]
    # neither with another category nor with another visible part
    again['category_id'] = 9
    assert check_annotations(content).problems == []
    again.update(category_id=5, visible_mask=first((2, 3, 12, 13)), occlude_rate=0.5)
    assert check_annotations(content).problems == []


def test_many_faults_at_once_are_all_found():
    """One fault in each of many copies of the good file, joined to one file."""
    joined = dict(images=[], annotations=[], categories=good_content()['categories'])
    expected, images = [], {}
    for number, fault in enumerate(FAULTS, start=1):
        kinds = [kind for kind, _ in fault.expected]
        if any('duplicate' in kind and 'object' not in kind for kind in kinds):
            continue
        content, files = planted(fault)
        if content['categories'] != joined['categories']:
            continue
        for image in content['images']:
            name = image.get('file_name')
            if name is not None:
                image['file_name'] = f'{number}_{name}'
                images[image['file_name']] = files[name]
            if 'id' in image:
                image['id'] = 100 * number + image['id']
        for annotation in content['annotations']:
            if annotation is None:
                continue
            if 'id' in annotation:
                annotation['id'] += 100 * number
            if isinstance(annotation.get('image_id'), int):
                annotation['image_id'] += 100 * number
        joined['images'] += content['images']
        joined['annotations'] += content['annotations']
        expected += [
            (kind, None if key is None else key + 100 * number)
            for kind, key in fault.expected
        ]
    problems = check_annotations(joined, images).problems
    assert sorted(kinds_and_ids(problems), key=str) == sorted(expected, key=str)


def test_nothing_is_changed_by_looking():
    for fault in FAULTS:
        content, images = planted(fault)
        before = repr(content)
        check_annotations(content, images)
        assert repr(content) == before


def test_real_samples_are_clean(sample_data):
    paths = sorted((sample_data / 'd2sa_sample' / 'annotations').glob('*.json'))
    assert paths
    for path in paths:
        assert check_annotations(json.loads(path.read_text())).problems == []
    name = 'cocoa_sample/annotations/COCO_amodal_val2014.json'
    source = json.loads((sample_data / name).read_text())
    for keep_stuff in (False, True):
        content = convert_cocoa(source, name, keep_stuff=keep_stuff).content
        result = check_annotations(content)
        assert result.problems == []
        assert result.statistics.counts['objects'] == len(content['annotations'])
