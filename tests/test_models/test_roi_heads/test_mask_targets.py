import numpy as np
import pytest
import torch
from mmdet.structures.mask import BitmapMasks, mask_target
from mmengine.config import ConfigDict
from roi_cases import random_boxes, random_objects, two_objects

from oaformer.models.roi_heads.mask_targets import roi_mask_targets


def targets_of(carrier, boxes, objects, size=(28, 28)):
    """Amodal and visible targets."""
    masks = np.stack([carrier.masks, carrier.visible], axis=1)
    return roi_mask_targets(torch.from_numpy(masks), boxes, objects, size).unbind(1)


@pytest.mark.parametrize('size', [(28, 28), (7, 5)])
def test_bit_equal_to_mmdetection(size):
    rng = np.random.default_rng(0)
    for _ in range(10):
        carrier = random_objects(rng, 6)
        boxes = random_boxes(rng, 20)
        objects = torch.from_numpy(rng.integers(0, 6, 20))
        found = targets_of(carrier, boxes, objects, size)
        for targets, masks in zip(found, (carrier.masks, carrier.visible), strict=True):
            expected = mask_target(
                # MMDetection clips the boxes that it is given
                [boxes.clone()],
                [objects],
                [BitmapMasks(masks, 60, 80)],
                ConfigDict(mask_size=size),
            )
            assert targets.dtype == torch.bool
            assert torch.equal(targets.float(), expected)


def test_a_visible_crop_lies_in_its_amodal_crop():
    rng, hidden = np.random.default_rng(1), 0
    for _ in range(10):
        carrier = random_objects(rng, 6)
        boxes, objects = random_boxes(rng, 20), torch.from_numpy(rng.integers(0, 6, 20))
        amodal, visible = targets_of(carrier, boxes, objects)
        assert not (visible & ~amodal).any()
        hidden += (amodal & ~visible).sum()
    assert hidden > 1000


def test_by_hand():
    # the numbers are those of MMDetection's own crops
    carrier = two_objects()
    box, behind = torch.tensor([[5.0, 0, 15, 7]]), torch.tensor([1])
    (amodal,), (visible,) = targets_of(carrier, box, behind)
    assert (amodal.sum(), visible.sum()) == (782, 670)
    assert (amodal ^ visible).sum() == 112


def test_without_rois():
    masks = torch.zeros(0, 2, 20, 30, dtype=torch.uint8)
    nothing = torch.zeros(0, dtype=torch.long)
    targets = roi_mask_targets(masks, torch.zeros(0, 4), nothing, (28, 28))
    assert targets.shape == (0, 2, 28, 28) and targets.dtype == torch.bool
