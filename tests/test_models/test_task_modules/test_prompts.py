import pytest
import torch

from oaformer.models.task_modules import AmodalTargets, Prompts, box_masks, draw_prompts
from oaformer.models.task_modules.prompts import level_masks

NONE = dict(box_prob=0, unknown_prob=0, label_noise=0, box_noise=0)


def targets(counts=(2, 0, 3), size=(12, 16)):
    total = sum(counts)
    masks = torch.zeros(total, *size, dtype=torch.uint8)
    for index, mask in enumerate(masks):
        mask[index : index + 4, 2 * index : 2 * index + 6] = 1
    visible = masks.clone()
    visible[:, 2] = 0
    labels = torch.arange(total) % 3
    return AmodalTargets(labels, masks, None, list(counts), visible)


def test_without_noise_they_are_the_visible_masks():
    truth = targets()
    prompts, instance = draw_prompts(truth, num_classes=3, **NONE)
    assert torch.equal(prompts.masks, truth.visible_masks)
    assert torch.equal(prompts.labels, truth.labels)
    assert not prompts.is_box.any()
    assert prompts.counts == [2, 0, 3] and instance.tolist() == [0, 1, 2, 3, 4]
    image, place = prompts.positions()
    assert image.tolist() == [0, 0, 2, 2, 2]
    assert place.tolist() == [0, 1, 0, 1, 2]


def test_boxes_are_those_of_the_visible_part():
    truth = targets()
    prompts, _ = draw_prompts(truth, num_classes=3, **{**NONE, 'box_prob': 1})
    assert prompts.is_box.all()
    # object 2: rows 2 to 5 without row 2, columns 4 to 9
    assert prompts.masks[2].nonzero().amin(0).tolist() == [3, 4]
    assert prompts.masks[2].nonzero().amax(0).tolist() == [5, 9]
    assert prompts.masks[2].sum() == 3 * 6


def test_shifts_of_a_box_are_within_the_noise():
    torch.manual_seed(0)
    visible = torch.zeros(200, 100, 100, dtype=torch.uint8)
    visible[:, 40:60, 30:70] = 1
    truth = AmodalTargets(torch.zeros(200).long(), visible, None, [200], visible)
    options = {**NONE, 'box_prob': 1, 'box_noise': 0.1}
    prompts, _ = draw_prompts(truth, num_classes=3, **options)
    rows = prompts.masks.amax(2).sum(1)
    columns = prompts.masks.amax(1).sum(1)
    # by up to 2 and 4 pixels on either side, and what a side touches is inside
    assert 16 <= rows.min() < 20 < rows.max() <= 25
    assert 32 <= columns.min() < 37 and 43 < columns.max() <= 49


def test_objects_that_are_not_seen_are_left_out():
    truth = targets()
    truth.visible_masks[[0, 3]] = 0
    prompts, instance = draw_prompts(truth, num_classes=3, **NONE)
    assert prompts.counts == [1, 0, 2]
    assert instance.tolist() == [1, 2, 4]
    assert torch.equal(prompts.labels, truth.labels[instance])


def test_classes_are_unknown_or_wrong_as_often_as_wanted():
    torch.manual_seed(0)
    count = 4000
    masks = torch.ones(count, 1, 1, dtype=torch.uint8)
    truth = AmodalTargets(torch.zeros(count).long(), masks, None, [count], masks)
    options = {**NONE, 'unknown_prob': 0.5, 'label_noise': 0.2}
    labels = draw_prompts(truth, num_classes=5, **options)[0].labels
    assert abs((labels == 5).float().mean() - 0.5) < 0.03
    # a class drawn at random is right in 1 of 5 cases
    known = labels[labels < 5]
    assert abs((known != 0).float().mean() - 0.2 * 0.8) < 0.03


@pytest.mark.parametrize('counts', [(0,), (0, 0)])
def test_no_objects(counts):
    prompts, instance = draw_prompts(targets(counts), num_classes=3, **NONE)
    assert prompts.counts == list(counts) and len(instance) == 0
    assert prompts.masks.shape == (0, 12, 16)


def test_a_box_fills_the_pixels_it_touches():
    masks = box_masks(torch.tensor([[1.0, 0, 3, 2], [1.5, 1.2, 1.6, 1.3]]), (3, 4))
    assert masks[0].tolist() == [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    assert masks[1].tolist() == [[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    beyond = box_masks(torch.tensor([[-5.0, -5, 50, 50]]), (3, 4))
    assert beyond.all()


@pytest.mark.parametrize('size', [(12, 16), (6, 8), (3, 4), (4, 5)])
def test_a_cell_is_touched_by_any_of_its_pixels(size):
    torch.manual_seed(0)
    masks = (torch.rand(5, 12, 16) < 0.05).to(torch.uint8)
    down, across = -(-12 // size[0]), -(-16 // size[1])
    expected = torch.zeros(5, *size, dtype=torch.bool)
    for index, row, column in masks.nonzero().tolist():
        expected[index, row // down, column // across] = True
    assert torch.equal(level_masks(masks, size), expected)


def test_positions_of_no_prompts():
    empty = torch.zeros(0, dtype=torch.long)
    prompts = Prompts(torch.zeros(0, 2, 2), empty.bool(), empty, [0, 0])
    assert [len(part) for part in prompts.positions()] == [0, 0]
