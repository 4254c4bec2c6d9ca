import json

import numpy as np
import pytest
from planted_faults import entry, good_content

from oaformer.datasets import AmodalCocoDataset
from oaformer.evaluation import evaluate_amodal, load_ground_truth


@pytest.fixture
def load(tmp_path):
    def build(content):
        path = tmp_path / 'a.json'
        path.write_text(json.dumps(content))
        return load_ground_truth(str(path))

    return build


def test_numbers_are_those_of_the_training_loader(load, tmp_path):
    content = good_content()
    entry(content, 12).update(area=float('nan'), bbox=[0, 0, 1, 1], iscrowd=True)
    del entry(content, 11)['area']
    entry(content, 15)['area'] = None
    entry(content, 15)['ignore'] = True
    truth = load(content)
    assert [each['area'] for each in truth.annotations] == [200, 160, 32, 120, 48]
    assert [each['iscrowd'] for each in truth.annotations] == [0, 1, 1, 0, 1]
    assert [each['annotation_id'] for each in truth.annotations] == [11, 12, 13, 14, 15]
    for image in content['images']:
        (tmp_path / image['file_name']).touch()
    dataset = AmodalCocoDataset(
        ann_file='a.json', data_root=str(tmp_path), data_prefix=dict(img='')
    )
    instances = [
        each
        for index in range(len(dataset))
        for each in dataset.get_data_info(index)['instances']
    ]
    for instance, each in zip(instances, truth.annotations, strict=True):
        assert instance['mask'] == each['segmentation']
        assert (instance['visible_mask'] or instance['mask']) == each['visible_mask']
        assert instance['occlusion_rate'] == each['occlusion_rate']
        assert instance['ignore_flag'] == each['iscrowd']


@pytest.mark.parametrize('area', [None, float('nan'), float('inf'), 1e12, -3])
def test_an_engine_sees_the_masks_area(load, area, engine):
    """An object of 200 pixels is a small one for both engines."""
    content = good_content()
    content['annotations'] = [dict(entry(content, 11), area=area)]
    prediction = dict(
        img_id=1,
        labels=np.array([0]),
        scores=np.array([0.9]),
        masks=[entry(content, 11)['segmentation']],
        bboxes=np.zeros((1, 4)),
    )
    result = evaluate_amodal(load(content), [prediction])
    precision = result.masks['amodal'].average_precision
    assert precision(size='small') == pytest.approx(1)
    assert precision(size='medium') is None
    assert precision(size='large') is None
