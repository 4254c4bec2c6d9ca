import numpy as np
import pytest
import torch
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from pycocotools import mask as mask_util
from roi_cases import TEST_CFG, detections, random_boxes

from oaformer.models.roi_heads.mask_pasting import paste_masks


@pytest.mark.parametrize('seed', range(3))
def test_the_masks_are_those_of_the_stock_head(seed):
    rng = np.random.default_rng(seed)
    head = FCNMaskHead(num_classes=1)
    # as the box head clips them
    boxes = random_boxes(rng, 30).clamp(min=0).minimum(torch.tensor([80.0, 60, 80, 60]))
    # no width at all
    boxes[0, 2] = boxes[0, 0]
    logits = torch.from_numpy(rng.normal(1, 2, (30, 1, 28, 28))).float()
    meta = dict(ori_shape=(60, 80), scale_factor=(1.0, 1.0))
    (expected,) = head.predict_by_feat(
        [logits], [detections(boxes.clone())], [meta], TEST_CFG
    )
    rles = paste_masks(logits[:, 0].sigmoid(), boxes, (60, 80), 0.5)
    decoded = np.stack([mask_util.decode(rle) for rle in rles])
    assert (decoded == expected.masks.numpy()).all()
    assert 0.02 < decoded.mean() < 0.9


def test_without_masks():
    assert paste_masks(torch.zeros(0, 28, 28), torch.zeros(0, 4), (60, 80), 0.5) == []
