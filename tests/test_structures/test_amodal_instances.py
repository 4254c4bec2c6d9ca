import numpy as np
import pycocotools.mask as mask_util
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from oaformer.structures import as_amodal_instances, encode_masks


def strips(*columns):
    """Masks of one row and eight columns, inside from one column to another."""
    masks = np.zeros((len(columns), 1, 8), np.uint8)
    for mask, (left, right) in zip(masks, columns, strict=True):
        mask[:, left:right] = 1
    return masks


# Inside, reaching out on the right, beside, and of an empty mask.
AMODAL = strips((0, 4), (0, 4), (0, 4), (0, 0))
VISIBLE = strips((0, 3), (2, 6), (5, 8), (1, 2))
CUT = strips((0, 3), (2, 4), (0, 0), (0, 0))
RATES = [0.25, 0.5, 1.0, 0.0]


def prediction(form=lambda masks: masks, **fields):
    return dict(
        bboxes=torch.zeros(4, 4),
        labels=torch.arange(4),
        scores=torch.full((4,), 0.5),
        masks=form(AMODAL),
        visible_masks=form(VISIBLE),
        **fields,
    )


def bytes_rles(masks):
    """As pycocotools encodes: the counts are bytes."""
    return [mask_util.encode(np.asfortranarray(mask)) for mask in masks]


FORMS = {
    'array': lambda masks: masks,
    'bool array': lambda masks: masks.astype(bool),
    'tensor': lambda masks: torch.from_numpy(masks).bool(),
    'rle': encode_masks,
    'rle of bytes': bytes_rles,
}


@pytest.mark.parametrize('form', FORMS)
def test_visible_masks_are_cut_and_rates_derived(form):
    instances = as_amodal_instances(prediction(FORMS[form]))
    assert instances.masks == encode_masks(AMODAL)
    assert instances.visible_masks == encode_masks(CUT)
    assert instances.occlusion_rates.tolist() == RATES
    assert instances.occlusion_rates_derived is True


def test_predicted_rates_stay():
    rates = torch.tensor([0.1, 0.2, 0.3, 0.4])
    instances = as_amodal_instances(prediction(occlusion_rates=rates, other=[0] * 4))
    assert torch.equal(instances.occlusion_rates, rates)
    assert instances.occlusion_rates_derived is False
    assert 'other' not in instances


@pytest.mark.parametrize('rates', [{}, dict(occlusion_rates=torch.tensor(RATES))])
def test_applied_twice_or_after_to_dict_it_changes_nothing(rates):
    once = as_amodal_instances(prediction(**rates))
    # as MMEngine's evaluator passes a sample to its metrics
    sample = DetDataSample(pred_instances=once).to_dict()
    kept = once[once.scores > 0].cpu()
    for again in map(as_amodal_instances, (once, sample['pred_instances'], kept)):
        assert again.occlusion_rates_derived is not bool(rates)
        assert again.keys() == once.keys()
        for key, value in once.items():
            same = torch.equal if isinstance(value, torch.Tensor) else list.__eq__
            assert same(again[key], value), key


def test_arrays_become_tensors_and_types_stay():
    fields = prediction(occlusion_rates=np.float32(RATES))
    fields['scores'] = fields['scores'].half()
    fields['labels'] = np.arange(4)
    instances = as_amodal_instances(InstanceData(**fields))
    assert instances.labels.dtype == torch.int64
    assert instances.scores.dtype == torch.float16
    assert instances.occlusion_rates.dtype == torch.float32
    del fields['occlusion_rates']
    derived = as_amodal_instances(fields).occlusion_rates
    assert (derived.dtype, derived.device) == (torch.float16, torch.device('cpu'))


@pytest.mark.parametrize('form', [np.zeros((0, 3, 5)), torch.zeros(0, 3, 5), []])
def test_no_instances(form):
    empty = dict(
        bboxes=torch.zeros(0, 4),
        labels=torch.zeros(0, dtype=torch.long),
        scores=torch.zeros(0),
        masks=form,
        visible_masks=form,
    )
    instances = as_amodal_instances(empty)
    assert len(instances) == 0
    assert instances.masks == instances.visible_masks == []
    assert instances.bboxes.shape == (0, 4)
    assert instances.occlusion_rates.shape == (0,)
    assert instances.occlusion_rates_derived is True


def test_missing_fields():
    mask = np.zeros((2, 9, 9), np.uint8)
    mask[0, 2:5, 1:8] = 1
    fields = dict(labels=[0, 1], scores=torch.ones(2), masks=mask)
    instances = as_amodal_instances(fields)
    assert sorted(instances.keys()) == ['bboxes', 'labels', 'masks', 'scores']
    assert instances.bboxes.tolist() == [[1, 2, 8, 5], [0, 0, 0, 0]]
    assert 'occlusion_rates_derived' not in instances
    del fields['scores'], fields['masks']
    with pytest.raises(ValueError, match='have no scores, masks$'):
        as_amodal_instances(fields)


@pytest.mark.parametrize('key', ['labels', 'masks', 'visible_masks'])
@pytest.mark.parametrize('number', [0, 3])
def test_different_numbers_are_an_error(key, number):
    fields = prediction()
    fields[key] = fields[key][:number]
    with pytest.raises(ValueError, match=f"differ in number:.*'{key}': {number}"):
        as_amodal_instances(fields)
