"""What all mask heads have in common, on each of them."""

import numpy as np
import pytest
import torch
from mmdet.structures.mask import BitmapMasks
from pycocotools import mask as mask_util
from roi_cases import (
    CHANNELS,
    TEST_CFG,
    TRAIN_CFG,
    TRUNK,
    detections,
    random_batch,
)

from oaformer.models.roi_heads import (
    AISFormerMaskHead,
    BCNetMaskHead,
    FCNAmodalMaskHead,
    ORCNNMaskHead,
    SLNMaskHead,
)

HEADS = {
    'fcn': lambda: FCNAmodalMaskHead(num_classes=3, **TRUNK),
    'orcnn': lambda: ORCNNMaskHead(num_classes=3, **TRUNK),
    'orcnn agnostic': lambda: ORCNNMaskHead(3, class_agnostic=True, **TRUNK),
    'bcnet': lambda: BCNetMaskHead(num_classes=3, in_channels=CHANNELS),
    'bcnet by class': lambda: BCNetMaskHead(3, CHANNELS, class_agnostic=False),
    'aisformer': lambda: AISFormerMaskHead(3, CHANNELS, feedforward_channels=32),
    'sln': lambda: SLNMaskHead(num_classes=3, **TRUNK),
    'sln, sum': lambda: SLNMaskHead(num_classes=3, amodal='sum', **TRUNK),
    'sln, one layer': lambda: SLNMaskHead(num_classes=3, num_layers=1, **TRUNK),
}


@pytest.fixture(params=HEADS)
def head(request):
    torch.manual_seed(0)
    head = HEADS[request.param]()
    head.init_weights()
    return head


def features(number):
    return torch.randn(
        number, CHANNELS, 14, 14, generator=torch.Generator().manual_seed(1)
    )


def losses_of(head, truth, results):
    number = sum(len(result.pos_priors) for result in results)
    preds = head(features(number))
    return head.loss_and_target(preds, results, truth, TRAIN_CFG)


def test_every_weight_learns(head):
    truth, results = random_batch()
    found = losses_of(head, truth, results)
    losses = found['loss_mask']
    assert len(losses) == len(head.branches) and 'loss_mask' in losses
    assert all(0 < loss < 3 for loss in losses.values()), losses
    assert found['mask_targets'].shape == (12, 28, 28)
    sum(losses.values()).backward()
    for name, weight in head.named_parameters():
        assert weight.grad is not None, name


@pytest.mark.parametrize('counts', [(0, 0), (0, 2)])
def test_images_without_objects(head, counts):
    """Losses are finite, and every parameter has a gradient, as processes expect."""
    losses = losses_of(head, *random_batch(counts=counts))['loss_mask']
    total = sum(losses.values())
    total.backward()
    assert total.isfinite()
    if not any(counts):
        assert total == 0
    assert all(weight.grad is not None for weight in head.parameters())


def test_the_branches_are_weighed(head):
    truth, results = random_batch()
    before = losses_of(head.eval(), truth, results)['loss_mask']
    head.loss_weights['amodal'] *= 3
    after = losses_of(head, truth, results)['loss_mask']
    before['loss_mask'] = 3 * before['loss_mask']
    torch.testing.assert_close(after, before)


@pytest.mark.parametrize('rescale', [True, False])
def test_boxes_are_rescaled_once(head, rescale):
    """MMDetection's head divides the boxes that it is given."""
    given = [[4.0, 4, 44, 36], [10, 0, 90, 50]]
    results = detections(given, [2, 0])
    meta = dict(ori_shape=(30, 50), scale_factor=(2.0, 2.0))
    with torch.no_grad():
        preds = head.eval()(features(2))
    (found,) = head.predict_by_feat([preds], [results], [meta], TEST_CFG, rescale)
    expected = torch.tensor(given) / (2 if rescale else 1)
    assert torch.equal(found.bboxes, expected)
    size = [30, 50] if rescale else [60, 100]
    assert all(rle['size'] == size for rle in found.masks)
    assert torch.equal(found.labels, results.labels)
    # once more: nothing was changed in place
    (again,) = head.predict_by_feat([preds], [results], [meta], TEST_CFG, rescale)
    assert torch.equal(again.bboxes, expected)


def test_the_form_of_a_prediction(head):
    meta = dict(ori_shape=(60, 100), scale_factor=(1.0, 1.0))
    given = [[[4.0, 4, 44, 36], [10, 0, 90, 50]], []]
    batch = [detections(boxes) for boxes in given]
    with torch.no_grad():
        preds = head.eval()(features(2)).split([2, 0])
    some, none = head.predict_by_feat(preds, batch, [meta] * 2, TEST_CFG, True)
    assert (len(some), len(none)) == (2, 0)
    assert set(some.keys()) == set(none.keys())
    assert ('visible_masks' in some) == ('visible' in head.branches)
    if 'visible_masks' in some:
        assert some.occlusion_rates_derived
        for amodal, visible in zip(some.masks, some.visible_masks, strict=True):
            outside = mask_util.merge([visible, amodal], intersect=True)
            assert mask_util.area(outside) == mask_util.area(visible)


def test_the_class_chooses_the_mask(head):
    preds = head.eval()(features(2)).detach()
    by_class = not head.class_agnostic
    one, other = (
        head.by_branch(preds, torch.tensor(labels))['amodal'][0]
        for labels in ([0, 1], [2, 1])
    )
    assert torch.equal(one, other) != by_class


def test_no_visible_masks_to_learn(head):
    truth, results = random_batch()
    for instances in truth:
        instances.masks = BitmapMasks(np.array(instances.masks.masks), 60, 80)
    if len(head.branches) == 1:
        assert losses_of(head, truth, results)['loss_mask']['loss_mask'] > 0
        return
    with pytest.raises(ValueError, match='is BitmapMasks.*LoadAmodalAnnotations'):
        losses_of(head, truth, results)


def test_unknown_weights_are_named():
    with pytest.raises(ValueError, match=r"'invisible'\), not \['hidden'\]"):
        ORCNNMaskHead(loss_weights=dict(hidden=1.0))
    with pytest.raises(ValueError, match="occluder_rule is one of .* not 'all'"):
        BCNetMaskHead(occluder_rule='all')
