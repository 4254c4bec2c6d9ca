import json
import runpy
import sys

import pytest
from tiny_checkpoint import CLASSES, write_tiny_checkpoint

from oaformer.datasets.annotation_check import check_annotations
from oaformer.datasets.synth_amodal import write_split
from oaformer.structures import decode_masks, rle_area


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp('prompts')
    return write_tiny_checkpoint(folder, panoptic_head=dict(prompts={}))


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """Three images; the categories are the model's but one."""
    folder = tmp_path_factory.mktemp('data')
    content = write_split(str(folder), 'val', 3, size=64)
    for category, name in zip(
        content['categories'], (*CLASSES, 'cup', 'x'), strict=True
    ):
        category['name'] = name
    return folder, content


@pytest.fixture
def complete(repo_root, checkpoint, data, tmp_path, monkeypatch):
    """Run the tool on a file's content and return what it writes."""

    def run(content, *options):
        source, out = tmp_path / 'objects.json', tmp_path / 'out.json'
        source.write_text(json.dumps(content))
        config, weights = map(str, checkpoint)
        argv = [str(source), str(data[0] / 'images'), config, '--weights', weights]
        argv += ['--out', str(out), '--device', 'cpu', *options]
        monkeypatch.setattr(sys, 'argv', ['complete_demo.py', *argv])
        runpy.run_path(
            str(repo_root / 'tools' / 'complete_demo.py'), run_name='__main__'
        )
        return json.loads(out.read_text())

    return run


def test_a_file_of_visible_masks(complete, data, tmp_path):
    _, content = data
    result = complete(
        content, '--batch-size', '2', '--show-dir', str(tmp_path / 'show')
    )
    assert result['images'] == content['images']
    assert result['categories'] == content['categories']
    assert len(result['annotations']) == len(content['annotations'])
    for before, after in zip(
        content['annotations'], result['annotations'], strict=True
    ):
        for key in ('id', 'image_id', 'category_id', 'occl_depth'):
            assert after[key] == before[key]
        assert after['visible_mask'] == before['visible_mask']
        amodal, visible = decode_masks([after['segmentation'], after['visible_mask']])
        assert (amodal >= visible).all()
        rate = 1 - visible.sum() / amodal.sum()
        assert after['occlude_rate'] == pytest.approx(rate, abs=1e-9)
    # what it writes is in the schema
    assert check_annotations(result).findings == []
    assert len(list((tmp_path / 'show').rglob('*.png'))) == 3


def test_a_list_of_results_of_a_modal_detector(complete, data, tmp_path):
    _, content = data
    info = tmp_path / 'info.json'
    info.write_text(json.dumps({**content, 'annotations': []}))
    results = [
        dict(
            image_id=annotation['image_id'],
            category_id=annotation['category_id'],
            segmentation=annotation['visible_mask'],
            score=0.5,
        )
        for annotation in content['annotations']
    ]
    expected = complete(content)['annotations']
    completed = complete(results, '--image-info', str(info))
    for result, own in zip(completed, expected, strict=True):
        assert result['score'] == 0.5
        assert result['segmentation'] == own['segmentation']


def test_boxes_and_crowds(complete, data):
    _, content = data
    annotations = [dict(annotation) for annotation in content['annotations']]
    annotations[0]['iscrowd'] = 1
    result = complete({**content, 'annotations': annotations}, '--kind', 'box')
    completed = result['annotations']
    assert completed[0] == annotations[0]
    for annotation in completed[1:]:
        assert 0 <= annotation['occlude_rate'] <= 1
        assert rle_area(annotation['segmentation']) == annotation['area']


def test_classes_can_be_left_out(complete, data):
    _, content = data
    with_classes = complete(content)['annotations']
    without = complete(content, '--no-classes')['annotations']
    assert [one['segmentation'] for one in with_classes] != [
        one['segmentation'] for one in without
    ]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(visible_mask=dict(size=[5, 5], counts='0')), r'annotation 1: .*5'),
        (dict(visible_mask=None, segmentation=[]), 'annotation 1: it has neither'),
        (dict(image_id=77), 'annotation 1: no image has the id 77'),
    ],
)
def test_bad_objects_are_named(complete, data, change, message):
    _, content = data
    first, *others = content['annotations']
    content = {**content, 'annotations': [{**first, **change}, *others]}
    with pytest.raises(SystemExit, match=message):
        complete(content)


def test_a_list_without_images_and_an_empty_file(complete, data):
    with pytest.raises(SystemExit, match='is a list of results: name a file'):
        complete([])
    with pytest.raises(SystemExit, match='no object to complete'):
        complete({**data[1], 'annotations': []})
