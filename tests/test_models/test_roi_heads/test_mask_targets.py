import numpy as np
import pytest
import torch
from mmdet.structures.mask import mask_target
from mmengine.config import ConfigDict
from roi_cases import random_boxes, random_objects, two_objects

from oaformer.models.roi_heads.mask_targets import roi_mask_targets


@pytest.mark.parametrize('size', [(28, 28), (7, 5)])
def test_bit_equal_to_mmdetection(size):
    rng = np.random.default_rng(0)
    for _ in range(10):
        carrier = random_objects(rng, 6)
        boxes = random_boxes(rng, 20)
        objects = torch.from_numpy(rng.integers(0, 6, 20))
        # MMDetection clips the boxes that it is given
        expected = mask_target(
            [boxes.clone()], [objects], [carrier], ConfigDict(mask_size=size)
        )
        masks = torch.from_numpy(carrier.masks)
        targets = roi_mask_targets(masks, boxes, objects, size)
        assert targets.dtype == torch.bool
        assert torch.equal(targets.float(), expected)


def test_a_visible_crop_lies_in_its_amodal_crop():
    rng, hidden = np.random.default_rng(1), 0
    for _ in range(10):
        carrier = random_objects(rng, 6)
        boxes, objects = random_boxes(rng, 20), torch.from_numpy(rng.integers(0, 6, 20))
        amodal, visible = (
            roi_mask_targets(torch.from_numpy(masks), boxes, objects, (28, 28))
            for masks in (carrier.masks, carrier.visible)
        )
        assert not (visible & ~amodal).any()
        hidden += (amodal & ~visible).sum()
    assert hidden > 1000


def test_by_hand():
    # the numbers are those of MMDetection's own crops
    carrier = two_objects()
    box, behind = torch.tensor([[5.0, 0, 15, 7]]), torch.tensor([1])
    amodal, visible = (
        roi_mask_targets(torch.from_numpy(masks), box, behind, (28, 28))
        for masks in (carrier.masks, carrier.visible)
    )
    assert (amodal.sum(), visible.sum()) == (782, 670)
    assert (amodal ^ visible).sum() == 112


def test_without_rois():
    masks = torch.zeros(0, 20, 30, dtype=torch.uint8)
    targets = roi_mask_targets(
        masks, torch.zeros(0, 4), torch.zeros(0).long(), (28, 28)
    )
    assert targets.shape == (0, 28, 28) and targets.dtype == torch.bool
