import pytest
import torch
from mmdet.registry import TASK_UTILS
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from oaformer.models.task_modules import (
    AmodalTargets,
    MatchingWeights,
    assign,
    match_stages,
    matching_cost,
    matching_weights,
)

COSTS = [
    dict(type='ClassificationCost', weight=2.0),
    dict(type='CrossEntropyLossCost', weight=5.0, use_sigmoid=True),
    dict(type='DiceCost', weight=3.0, pred_act=True, eps=1.0),
]


def assigner(costs=COSTS):
    return TASK_UTILS.build(
        ConfigDict(dict(type='HungarianAssigner', match_costs=costs))
    )


def test_weights_are_read_from_the_assigner():
    assert matching_weights(assigner()) == MatchingWeights(2.0, 5.0, 3.0, 1.0)


@pytest.mark.parametrize(
    ('costs', 'words'),
    [
        (COSTS[:2], 'one DiceCost'),
        ([*COSTS, dict(type='FocalLossCost')], 'FocalLossCost'),
        ([*COSTS[:2], dict(type='DiceCost', pred_act=False)], 'pred_act=True'),
        (
            [*COSTS[:2], dict(type='DiceCost', pred_act=True, naive_dice=False)],
            'naive_dice=True',
        ),
    ],
)
def test_other_costs_are_refused(costs, words):
    with pytest.raises(ValueError, match=words):
        matching_weights(assigner(costs))


def test_cost_equals_the_sum_of_mmdets_costs():
    torch.manual_seed(0)
    scores, masks = torch.randn(9, 4), 5 * torch.randn(9, 50)
    labels, targets = torch.tensor([2, 0, 2]), torch.rand(3, 50)
    stock = assigner()
    predicted = InstanceData(scores=scores, masks=masks)
    truth = InstanceData(labels=labels, masks=targets)
    expected = sum(cost(predicted, truth) for cost in stock.match_costs)
    cost = matching_cost(scores, masks, labels, targets, matching_weights(stock))
    torch.testing.assert_close(cost, expected)


def test_cost_of_a_perfect_mask_by_hand():
    """Probability 1/2 for the class, a mask that is right beyond doubt."""
    cost = matching_cost(
        torch.zeros(1, 2),
        torch.tensor([[100.0, 100.0, -100.0]]),
        torch.tensor([0]),
        torch.tensor([[1.0, 1.0, 0.0]]),
        MatchingWeights(cls=2, mask=5, dice=5, dice_eps=1),
    )
    torch.testing.assert_close(cost, torch.tensor([[-1.0]]))


def test_cost_stays_finite_where_float16_would_overflow():
    cost = matching_cost(
        torch.zeros(2, 3, dtype=torch.float16),
        torch.full((2, 12544), 60.0, dtype=torch.float16),
        torch.tensor([0]),
        torch.zeros(1, 12544),
        MatchingWeights(2, 5, 5, 1),
    )
    assert cost.dtype == torch.float32
    assert torch.isfinite(cost).all()


def test_assign_takes_the_cheapest_pairs_of_every_matrix():
    first = torch.tensor([[1.0, 9.0], [9.0, 9.0], [9.0, 2.0]])
    more_objects_than_queries = torch.tensor([[5.0, 1.0, 3.0]])
    nothing = torch.zeros(4, 0)
    pairs = assign([first, nothing, more_objects_than_queries])
    assert [[side.tolist() for side in pair] for pair in pairs] == [
        [[0, 2], [0, 1]],
        [[], []],
        [[0], [1]],
    ]


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_costs_that_are_not_finite_say_what_to_look_for(value):
    with pytest.raises(FloatingPointError, match='learning rate'):
        assign([torch.tensor([[value]])])


def test_match_stages_finds_each_object_in_its_image():
    """Query q draws object q of an image in stage 0, in stage 1 the other way."""
    masks = torch.zeros(3, 8, 8, dtype=torch.uint8)
    masks[0, :4], masks[1, 4:], masks[2, :, :4] = 1, 1, 1
    targets = AmodalTargets(torch.tensor([0, 0, 0]), masks, None, [2, 1])
    features = torch.zeros(2, 2, 8, 8)
    features[0, 0], features[0, 1] = 40 * masks[0].float() - 20, 40 * masks[1] - 20.0
    features[1, 0], features[1, 1] = 40 * masks[2].float() - 20, -20
    forward = torch.eye(2).expand(2, 2, 2)
    scores = torch.zeros(2, 2, 2)
    matches = match_stages(
        [scores, scores],
        [forward, forward.flip(1)],
        features,
        targets,
        MatchingWeights(2, 5, 5, 1),
        num_points=100,
    )
    first, second = matches
    assert first.image.tolist() == second.image.tolist() == [0, 0, 1]
    assert first.query.tolist() == [0, 1, 0]
    assert first.instance.tolist() == [0, 1, 2]
    assert second.query.tolist() == [0, 1, 1]
    assert second.instance.tolist() == [1, 0, 2]
