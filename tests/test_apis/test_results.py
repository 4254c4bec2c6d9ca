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
    for key, mask in dict(
        masks=AMODAL, visible_masks=VISIBLE, invisible_masks=INVISIBLE
    ).items():
        assert np.array_equal(decode_masks(found.pop(key)), mask), key
    assert found == dict(
        img_path='a.png',
        height=2,
        width=3,
        labels=[1, 5],
        label_names=['can', 'class 5'],
        scores=[0.75, 0.5],
        bboxes=[[0, 0, 3, 1], [1, 0, 2, 2]],
        occlusion_rates=[0.25, 0.5],
        occlusion_rates_derived=False,
    )


def test_what_is_not_predicted_is_absent():
    data_sample = sample(masks=encode_masks(AMODAL))
    data_sample.set_metainfo(dict(frame_id=7))
    found = prediction_to_dict(data_sample)
    assert found['masks'] == encode_masks(AMODAL)
    assert found['frame_id'] == 7
    assert not [key for key in found if 'visible' in key or 'occlusion' in key]


def test_derived_rates_are_marked():
    visible = dict(masks=encode_masks(AMODAL), visible_masks=encode_masks(VISIBLE))
    found = prediction_to_dict(sample(**visible), ('cup', 'can'))
    assert found['occlusion_rates'] == pytest.approx([1 / 3, 0.5])
    assert found['occlusion_rates_derived'] is True
    assert 'can  0.750  derived occlusion rate 0.333  box' in describe(found, 0.6)
