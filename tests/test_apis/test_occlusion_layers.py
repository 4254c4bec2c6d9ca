import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from oaformer.apis import occlusion_layers
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
        masks=torch.from_numpy(AMODAL).bool(),
        # 1 is in front of both, as far as one can tell
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
    instances = InstanceData(
        masks=encode_masks(amodal), visible_masks=encode_masks(visible)
    )
    assert sorted(occlusion_layers(instances)) == [0, 1, 2]


def test_no_order_without_visible_masks_and_rates():
    assert occlusion_layers(InstanceData(masks=encode_masks(AMODAL))) is None


def test_no_instances():
    empty = InstanceData(masks=[], occlusion_rates=torch.zeros(0))
    assert occlusion_layers(empty) == []
