import sys
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample

from oaformer.apis import prediction_to_dict, to_supervision
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


@dataclass
class Detections:
    """A substitute where supervision is not installed: its fields and checks."""

    xyxy: np.ndarray
    mask: np.ndarray | None = None
    confidence: np.ndarray | None = None
    class_id: np.ndarray | None = None
    tracker_id: np.ndarray | None = None
    data: dict = field(default_factory=dict)
    metadata: dict = field(default_factory=dict)

    def __post_init__(self):
        number = len(self.xyxy)
        assert self.xyxy.shape == (number, 4)
        assert self.mask.ndim == 3 and len(self.mask) == number
        assert self.confidence.shape == self.class_id.shape == (number,)
        assert all(len(value) == number for value in self.data.values())


@pytest.fixture
def detections(monkeypatch):
    """supervision's class, or its substitute."""
    try:
        from supervision import Detections as Installed
    except ImportError:
        module = ModuleType('supervision')
        module.Detections = Installed = Detections
        monkeypatch.setitem(sys.modules, 'supervision', module)
    return Installed


def test_supervision(detections):
    prediction = prediction_to_dict(
        sample(
            masks=encode_masks(AMODAL),
            visible_masks=encode_masks(VISIBLE),
            occlusion_rates=torch.tensor([0.25, 0.5]),
        ),
        classes=('cup', 'can'),
    )
    found = to_supervision(prediction)
    assert isinstance(found, detections)
    assert found.xyxy.tolist() == [[0, 0, 3, 1], [1, 0, 2, 2]]
    assert found.mask.dtype == bool
    assert np.array_equal(found.mask, AMODAL)
    assert found.confidence.tolist() == [0.75, 0.5]
    assert found.class_id.tolist() == [1, 5]
    assert found.data.keys() == {'class_name', 'occlusion_rate', 'visible_mask'}
    assert found.data['class_name'].tolist() == ['can', 'class 5']
    assert found.data['occlusion_rate'].tolist() == [0.25, 0.5]
    assert np.array_equal(found.data['visible_mask'], VISIBLE)
    best = to_supervision(prediction, pred_score_thr=0.6)
    assert best.xyxy.tolist() == [[0, 0, 3, 1]]
    assert best.data['visible_mask'].shape == (1, 2, 3)


def test_supervision_without_parts_or_instances(detections):
    prediction = prediction_to_dict(sample(masks=encode_masks(AMODAL)))
    assert to_supervision(prediction).data.keys() == {'class_name'}
    none = to_supervision(prediction, pred_score_thr=0.9)
    assert (none.xyxy.shape, none.mask.shape) == ((0, 4), (0, 2, 3))
    assert (none.confidence.shape, none.class_id.dtype.kind) == ((0,), 'i')


def test_supervision_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, 'supervision', None)
    prediction = prediction_to_dict(sample(masks=encode_masks(AMODAL)))
    with pytest.raises(ImportError, match='pip install supervision'):
        to_supervision(prediction)
