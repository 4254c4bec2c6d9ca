import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from oaformer.apis import occlusion_layers
from oaformer.apis.occlusion_layers import front_to_back, occlusion_order_by_rate
from oaformer.evaluation.occlusion_order import occlusion_order
from oaformer.structures import encode_masks


def strips(*columns):
    """Masks of 20 rows that reach from one column to another."""
    masks = np.zeros((len(columns), 20, 100), np.uint8)
    for mask, (left, right) in zip(masks, columns, strict=True):
        mask[:, left:right] = 1
    return masks


# 0 lies on 1, 1 lies on 2; 3 touches nothing.
AMODAL = strips((0, 20), (10, 40), (30, 60), (70, 90))
VISIBLE = strips((0, 20), (20, 40), (40, 60), (70, 90))


@pytest.mark.parametrize('order', [[0, 1, 2, 3], [2, 3, 0, 1]])
def test_layers_by_visible_masks(order):
    instances = InstanceData(
        masks=encode_masks(AMODAL[order]), visible_masks=encode_masks(VISIBLE[order])
    )
    expected = np.array([0, 1, 2, 0])[order].tolist()
    assert occlusion_layers(instances) == expected


def test_layers_by_rates():
    instances = InstanceData(
        masks=encode_masks(AMODAL),
        # 1 is taken to be in front of both
        occlusion_rates=torch.tensor([0.3, 0.1, 0.2, 0.9]),
    )
    assert occlusion_layers(instances) == [1, 0, 1, 0]


def test_cycle_is_cut():
    # 0 on 1, 1 on 2 and 2 on 0, as paper discs can lie
    amodal = strips((0, 30), (10, 60), (0, 60))
    amodal[0, 10:], amodal[1, :5], amodal[2, :8, :10] = 0, 0, 0
    visible = amodal.copy()
    visible[1, :10, 10:30] = 0
    visible[2, 5:, 10:] = 0
    visible[0, 8:10, :10] = 0
    masks, visible_masks = encode_masks(amodal), encode_masks(visible)
    instances = InstanceData(masks=masks, visible_masks=visible_masks)
    assert sorted(occlusion_layers(instances)) == [0, 1, 2]


def test_nothing_to_order():
    assert occlusion_layers(InstanceData(masks=encode_masks(AMODAL))) is None
    empty = InstanceData(masks=[], occlusion_rates=torch.zeros(0))
    assert occlusion_layers(empty) == []


@pytest.mark.parametrize(
    'rates, expected', [([0, 0.6], [[0, 1]]), ([0.6, 0], [[1, 0]]), ([0.5, 0.5], [])]
)
def test_order_by_rate(rates, expected):
    pair = encode_masks(AMODAL[:2])
    assert occlusion_order_by_rate(pair, rates).tolist() == expected
    # 10 columns of 20 rows are in both
    order = occlusion_order_by_rate(pair, rates, min_pixels=200)
    assert order.tolist() == expected
    assert len(occlusion_order_by_rate(pair, rates, min_pixels=201)) == 0


@pytest.mark.parametrize(
    'columns', [[], [(0, 20)], [(0, 0), (0, 20)], [(0, 9), (9, 30)]]
)
def test_no_order_without_an_overlap(columns):
    rates = np.linspace(0, 1, len(columns))
    order = occlusion_order_by_rate(encode_masks(strips(*columns)), rates)
    assert (order.shape, order.dtype) == ((0, 2), np.int64)


def test_front_to_back_by_hand():
    assert front_to_back(np.array([[2, 0], [0, 1]]), 4) == [2, 0, 1, 3]
    assert front_to_back(np.zeros((0, 2), int), 3) == [0, 1, 2]
    assert front_to_back(np.zeros((0, 2), int), 0) == []
    # a circle is broken up
    circle = np.array([[0, 1], [1, 2], [2, 0], [3, 0]])
    assert front_to_back(circle, 4) == [3, 0, 1, 2]


@pytest.mark.parametrize('seed', range(3))
def test_orders_of_a_painted_scene(seed):
    """Rectangles laid on each other, the first in front."""
    rng = np.random.default_rng(seed)
    amodal = np.zeros((12, 60, 60), dtype=bool)
    for mask in amodal:
        top, left = rng.integers(0, 50, 2)
        height, width = rng.integers(8, 30, 2)
        mask[top : top + height, left : left + width] = True
    visible = amodal & ~(np.cumsum(amodal, axis=0) - amodal > 0)
    pairs = occlusion_order(encode_masks(amodal), encode_masks(visible), min_pixels=1)
    position = np.argsort(front_to_back(pairs, len(amodal)))
    assert (position[pairs[:, 0]] < position[pairs[:, 1]]).all()

    # by rates that grow from front to back, the pairs are those that overlap
    flat = amodal.reshape(12, -1).astype(int)
    order = occlusion_order_by_rate(encode_masks(amodal), np.arange(12), min_pixels=1)
    assert order.tolist() == np.argwhere(np.triu(flat @ flat.T, k=1)).tolist()
