import contextlib
import copy
import json

import cv2
import numpy as np
import pytest
from planted_faults import (
    FAULTS,
    SIZES,
    entry,
    first,
    good_content,
    good_images,
    planted,
)

from oaformer.datasets import AmodalCocoDataset, read_annotation_file
from oaformer.datasets.annotation_check import check_annotations, fix_annotations


@pytest.fixture
def load(tmp_path):
    """Load the content of an annotation file as a data set, its images beside it."""
    (tmp_path / 'images').mkdir()
    for name, size in SIZES.items():
        cv2.imwrite(
            str(tmp_path / 'images' / name), np.zeros((*size, 3), dtype=np.uint8)
        )

    def build(content):
        # what a strict reader of JSON takes
        text = json.dumps(content, allow_nan=False)
        (tmp_path / 'annotations.json').write_text(text)
        return AmodalCocoDataset(
            ann_file='annotations.json',
            data_root=str(tmp_path),
            data_prefix=dict(img='images'),
            pipeline=[],
            # collects garbage, which takes longer than all else here
            serialize_data=False,
        )

    return build


def ids_of(content):
    return sorted(
        (
            (section, item.get('id') if isinstance(item, dict) else None)
            for section in ('images', 'annotations', 'categories')
            for item in content[section]
        ),
        key=str,
    )


def test_copy_of_a_good_file_is_equal():
    content = good_content()
    fixed = fix_annotations(content, good_images())
    assert fixed.content == content
    assert fixed.changes == []


@pytest.mark.parametrize('fault', FAULTS, ids=lambda fault: fault.name)
def test_corrected_copy(fault, load):
    content, images = planted(fault)
    before = repr(content)
    fixed = fix_annotations(content, images)
    assert repr(content) == before
    assert check_annotations(fixed.content, images).problems == []
    removed = [
        (item['section'], (item['entry'] or {}).get('id'))
        for item in fixed.content.get('removed', [])
    ]
    assert sorted(removed, key=str) == sorted(fault.removed, key=str)
    assert all(item['reason'] for item in fixed.content.get('removed', []))
    # Nothing is lost, nothing comes in.
    assert len(ids_of(fixed.content)) + len(removed) == len(ids_of(content))
    done = [(change.problem.kind, change.problem.id) for change in fixed.changes]
    assert set(fault.expected) - {('mask_size', 11), ('mask_size', 12)} <= set(done)
    assert len(load(fixed.content)) == len(fixed.content['images'])


@pytest.mark.parametrize('fault', FAULTS, ids=lambda fault: fault.name)
def test_only_what_is_wrong_is_changed(fault):
    content, images = planted(fault)
    fixed = fix_annotations(content, images).content
    wrong = {kind_and_id[1] for kind_and_id in fault.expected}
    gone = {key for _, key in fault.removed}
    for annotation in good_content()['annotations']:
        if annotation['id'] not in wrong | gone | {13}:
            assert entry(fixed, annotation['id']) == annotation


def corrected(annotation_id, **changes):
    content = good_content()
    entry(content, annotation_id).update(changes)
    return entry(fix_annotations(content).content, annotation_id)


@pytest.mark.parametrize('key', ['bbox', 'area', 'occlude_rate', 'invisible_mask'])
@pytest.mark.parametrize('annotation_id', [12, 15])
def test_what_follows_from_the_masks_is_the_annotated_again(annotation_id, key):
    wrong = dict(
        bbox=[0, 0, 1, 1], area=1, occlude_rate=0.2, invisible_mask=first((0, 0, 1, 1))
    )
    good = entry(good_content(), annotation_id)
    item = corrected(annotation_id, **{key: wrong[key]})
    assert item.pop('occlude_rate') == pytest.approx(good.pop('occlude_rate'))
    assert item == good


def test_visible_mask_is_cut_and_the_rest_follows():
    # all of the cup and more
    item = corrected(12, visible_mask=first((0, 10, 18, 26)))
    assert item['visible_mask'] == first((8, 10, 18, 26))
    assert 'invisible_mask' not in item
    assert item['occlude_rate'] == 0


def test_unusable_visible_mask_is_rebuilt_from_the_invisible_one():
    good = entry(good_content(), 12)
    assert corrected(12, visible_mask='x') == good


def test_values_of_a_wrong_type():
    assert corrected(12, iscrowd='1')['iscrowd'] == 1
    assert corrected(12, score=[1.0, float('inf')])['score'] == [1.0, None]


def test_repeated_annotation_id_is_given_anew():
    content = good_content()
    entry(content, 13)['id'] = 11
    del entry(content, 14)['id']
    fixed = fix_annotations(content).content
    assert [item['id'] for item in fixed['annotations']] == [11, 12, 16, 17, 15]


def test_size_is_taken_from_file_or_masks():
    for images in (None, good_images()):
        content = good_content()
        content['images'][0]['height'] = None
        fixed = fix_annotations(content, images)
        assert fixed.content['images'] == good_content()['images']
    # a file that no mask agrees with is another image: see 'image of another size'
    content = good_content()
    content['images'][0]['height'] = 21
    fixed = fix_annotations(content, good_images())
    assert fixed.content == good_content()


def test_annotations_of_one_category_with_two_ids_are_merged():
    content = good_content()
    content['categories'].append(dict(id=6, name='cup'))
    entry(content, 13)['category_id'] = 6
    fixed = fix_annotations(content).content
    assert fixed['annotations'] == good_content()['annotations']
    assert fixed['categories'] == good_content()['categories']


def test_categories_of_one_name_beside_one_with_an_odd_id():
    content = good_content()
    content['categories'] += [dict(id=6, name='cup'), dict(id=[1], name='plate')]
    entry(content, 13)['category_id'] = 6
    fixed = fix_annotations(content).content
    assert fixed['annotations'] == good_content()['annotations']
    assert fixed['categories'] == good_content()['categories']
    removed = [item['entry'] for item in fixed['removed']]
    assert sorted(removed, key=str) == sorted(content['categories'][2:], key=str)


def test_earlier_removals_stay():
    content = dict(good_content(), removed=[dict(reason='old')])
    entry(content, 13)['image_id'] = 7
    old, new = fix_annotations(content).content['removed']
    assert old == dict(reason='old')
    assert new['entry'] == entry(content, 13)
    assert new['reason'] == 'there is no image 7 in the file'


@pytest.mark.parametrize('seed', range(40))
def test_any_faults_together_are_corrected(seed, load):
    rng = np.random.default_rng(seed)
    content, images = copy.deepcopy(good_content()), good_images()
    for index in rng.integers(0, len(FAULTS), size=rng.integers(2, 8)):
        # what a fault is planted in may have another one already
        with contextlib.suppress(StopIteration, KeyError, TypeError, AttributeError):
            FAULTS[index].plant(content, images)
    fixed = fix_annotations(content, images).content
    assert check_annotations(fixed, images).problems == []
    assert len(ids_of(fixed)) + len(fixed.get('removed', [])) == len(ids_of(content))
    assert len(load(fixed)) == len(fixed['images'])


@pytest.mark.parametrize('seed', range(60))
def test_values_of_any_type_are_told_and_corrected(seed, tmp_path):
    """Nothing that JSON can hold stops the check."""
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
    fixed = fix_annotations(content).content
    assert check_annotations(fixed).problems == []
    path = tmp_path / 'annotations.json'
    path.write_text(json.dumps(fixed, allow_nan=False))
    file = read_annotation_file(str(path))
    for annotation in file.annotations:
        assert file.parse(annotation).corrections == []
