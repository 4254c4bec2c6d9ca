import copy

import numpy as np
import pytest
import torch
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmengine.config import ConfigDict
from pycocotools import mask as mask_util
from roi_cases import CHANNELS, TEST_CFG, TRUNK, detections, random_batch

from oaformer.models.roi_heads import FCNAmodalMaskHead


def pair(**kwargs):
    """MMDetection's head and ours, with the same weights."""
    torch.manual_seed(0)
    stock = FCNMaskHead(num_classes=3, **TRUNK, **kwargs)
    stock.init_weights()
    ours = FCNAmodalMaskHead(num_classes=3, **TRUNK, **kwargs)
    ours.trunks['amodal'].load_state_dict(stock.state_dict())
    return stock, ours


def test_losses_and_gradients_are_bit_equal_to_mmdetection():
    cfg = ConfigDict(mask_size=28)
    for agnostic in (False, True):
        found = []
        for head in pair(class_agnostic=agnostic):
            truth, results = random_batch()
            x = torch.randn(12, CHANNELS, 14, 14, generator=torch.manual_seed(1))
            x.requires_grad_()
            losses = head.loss_and_target(head(x), results, truth, cfg)['loss_mask']
            assert losses.keys() == {'loss_mask'}
            losses['loss_mask'].sum().backward()
            grads = [weight.grad for weight in head.parameters()]
            found.append([losses['loss_mask'].sum(), x.grad, *grads])
        assert len(found[0]) == 8
        for expected, value in zip(*found, strict=True):
            assert torch.equal(value, expected)


@pytest.mark.filterwarnings('ignore:To copy construct')
def test_masks_are_bit_equal_to_mmdetection():
    rng = np.random.default_rng(0)
    boxes = torch.from_numpy(rng.uniform(0, 50, (9, 2))).float()
    boxes = torch.cat([boxes, boxes + 20], dim=1)
    results = detections(boxes, rng.integers(0, 3, 9))
    meta = dict(ori_shape=(45, 60), scale_factor=(1.3, 1.3))
    x = torch.randn(9, CHANNELS, 14, 14, generator=torch.manual_seed(1))
    for rescale in (True, False):
        for activate in (False, True):
            stock, ours = pair()
            preds = stock(x).detach()
            assert torch.equal(ours(x).detach(), preds)
            preds = preds.sigmoid() if activate else preds
            expected, found = (
                head.predict_by_feat(
                    [preds],
                    [copy.deepcopy(results)],
                    [meta],
                    TEST_CFG,
                    rescale,
                    activate,
                )[0]
                for head in (stock, ours)
            )
            decoded = np.stack([mask_util.decode(rle) for rle in found.masks])
            assert (decoded == expected.masks.numpy()).all() and decoded.any()
            assert torch.equal(found.bboxes, expected.bboxes)
