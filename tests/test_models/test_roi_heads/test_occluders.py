import pytest
import torch
from roi_cases import rectangle, two_objects

from oaformer.models.roi_heads.occluders import (
    balanced_rows,
    occluder_adjacency,
    occluder_masks,
)
from oaformer.models.task_modules import mask_boxes

BOXES = torch.tensor([[0.0, 0, 10, 10], [5, 0, 15, 7]])


@pytest.fixture
def masks():
    carrier = two_objects()
    return torch.from_numpy(carrier.masks), torch.from_numpy(carrier.visible)


def test_true_occluders_by_hand(masks):
    amodal, visible = masks
    adjacency = occluder_adjacency(amodal, visible, BOXES, 'occluders')
    # the first covers 10 pixels of the second, and nothing covers the first
    assert adjacency.tolist() == [[False, False], [True, False]]
    occluders = occluder_masks(visible, adjacency, BOXES)
    assert occluders.sum((1, 2)).tolist() == [0, 10]
    expected = torch.from_numpy(rectangle(5, 5, 10, 7)).bool()
    assert torch.equal(occluders[1], expected)


def test_neighbours_by_hand(masks):
    # their boxes overlap by 35 / 135, so that what is behind counts, too
    amodal, visible = masks
    adjacency = occluder_adjacency(amodal, visible, BOXES, 'neighbours')
    assert adjacency.tolist() == [[False, True], [True, False]]
    occluders = occluder_masks(visible, adjacency, BOXES)
    assert occluders.sum((1, 2)).tolist() == [25, 10]
    assert torch.equal(occluders[0], torch.from_numpy(rectangle(5, 0, 10, 5)).bool())


@pytest.mark.parametrize('rule', ['neighbours', 'occluders'])
@pytest.mark.parametrize('count', [0, 1])
def test_alone(masks, rule, count):
    amodal, visible = (each[:count] for each in masks)
    adjacency = occluder_adjacency(amodal, visible, BOXES[:count], rule)
    assert adjacency.shape == (count, count) and not adjacency.any()
    occluders = occluder_masks(visible, adjacency, BOXES[:count])
    assert occluders.shape == (count, 20, 20) and not occluders.any()


def test_a_hidden_object_hides_nothing(masks):
    amodal, visible = masks
    visible = visible.clone()
    visible[0] = 0
    for rule in ('neighbours', 'occluders'):
        assert not occluder_adjacency(amodal, visible, BOXES, rule)[1, 0]


def test_unknown_rule(masks):
    with pytest.raises(ValueError, match="one of .*'neighbours'.* not 'all'"):
        occluder_adjacency(*masks, BOXES, 'all')


def test_balanced_rows_by_hand():
    occluders = torch.zeros(5, 3, 3, dtype=torch.bool)
    occluders[[1, 3], 0, 0] = True
    rows = balanced_rows(occluders)
    assert rows.tolist() == [1, 3, 0, 1]
    # as in the mean of BCNet's loss
    assert torch.tensor([1.0, 2, 3, 4, 5])[rows].mean() == 2.25
    assert balanced_rows(torch.zeros(5, 3, 3)).tolist() == []


def test_boxes_of_masks():
    boxes, is_seen = mask_boxes(torch.from_numpy(two_objects().masks))
    assert torch.equal(boxes.float(), BOXES) and is_seen.all()
    assert not mask_boxes(torch.zeros(1, 4, 4))[1].any()
