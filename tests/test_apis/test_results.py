import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample

from oaformer.apis import prediction_to_dict
from oaformer.apis.results import describe
from oaformer.structures import as_amodal_instances, decode_masks, encode_masks


def sample(**fields):
    data_sample = DetDataSample(
        metainfo=dict(img_path='a.png', ori_shape=(2, 3), img_shape=(4, 6))
    )
    data_sample.pred_instances = as_amodal_instances(
        dict(
            bboxes=torch.tensor([[0.0, 0, 3, 1], [1, 0, 2, 2]]),
            labels=torch.tensor([1, 5]),
            scores=torch.tensor([0.75, 0.5]),
            **fields,
        )
    )
    return data_sample


AMODAL = np.array([[[1, 1, 1], [0, 0, 0]], [[0, 1, 0], [0, 1, 0]]], np.uint8)
VISIBLE = np.array([[[1, 1, 0], [0, 0, 0]], [[0, 0, 0], [0, 1, 0]]], np.uint8)
INVISIBLE = np.array([[[0, 0, 1], [0, 0, 0]], [[0, 1, 0], [0, 0, 0]]], np.uint8)


def test_everything_that_is_predicted():
    found = prediction_to_dict(
        sample(
            masks=encode_masks(AMODAL),
            visible_masks=encode_masks(VISIBLE),
            occlusion_rates=torch.tensor([0.25, 0.5]),
        ),
        classes=('cup', 'can'),
    )
    assert list(found) == [
        'img_path',
        'height',
        'width',
        'labels',
        'label_names',
        'scores',
        'bboxes',
        'masks',
        'occlusion_rates',
        'occlusion_rates_derived',
        'visible_masks',
        'invisible_masks',
    ]
    assert (found['img_path'], found['height'], found['width']) == ('a.png', 2, 3)
    assert found['labels'] == [1, 5]
    assert found['label_names'] == ['can', 'class 5']
    assert found['scores'] == [0.75, 0.5]
    assert found['bboxes'] == [[0, 0, 3, 1], [1, 0, 2, 2]]
    assert found['occlusion_rates'] == [0.25, 0.5]
    assert found['occlusion_rates_derived'] is False
    assert np.array_equal(decode_masks(found['masks']), AMODAL)
    assert np.array_equal(decode_masks(found['visible_masks']), VISIBLE)
    assert np.array_equal(decode_masks(found['invisible_masks']), INVISIBLE)


def test_what_is_not_predicted():
    found = prediction_to_dict(sample(masks=encode_masks(AMODAL)))
    assert found['masks'] == encode_masks(AMODAL)
    absent = {
        'occlusion_rates',
        'occlusion_rates_derived',
        'visible_masks',
        'invisible_masks',
        'frame_id',
    }
    assert absent.isdisjoint(found)


def test_derived_rates_are_marked():
    visible = dict(masks=encode_masks(AMODAL), visible_masks=encode_masks(VISIBLE))
    found = prediction_to_dict(sample(**visible))
    assert found['occlusion_rates'] == pytest.approx([1 / 3, 0.5])
    assert found['occlusion_rates_derived'] is True
    assert 'can  0.750  derived occlusion rate 0.333  box' in describe(
        prediction_to_dict(sample(**visible), ('cup', 'can')), 0.6
    )


def test_frame():
    data_sample = sample(masks=encode_masks(AMODAL))
    data_sample.set_metainfo(dict(frame_id=7))
    assert prediction_to_dict(data_sample)['frame_id'] == 7
