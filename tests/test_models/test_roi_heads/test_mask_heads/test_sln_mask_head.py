import pytest
import torch
import torch.nn.functional as F
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmengine.config import ConfigDict
from roi_cases import (
    CHANNELS,
    TEST_CFG,
    TRUNK,
    detections,
    instances,
    random_batch,
    rectangle,
    rois,
    two_objects,
)

from oaformer.models.roi_heads import SLNMaskHead
from oaformer.models.roi_heads.layering import noisy_or
from oaformer.structures import AmodalMasks

CFG = ConfigDict(mask_size=32)


def head_of(**kwargs):
    torch.manual_seed(0)
    head = SLNMaskHead(num_classes=3, **TRUNK, **kwargs)
    head.init_weights()
    return head


def features(number=12, size=16):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(number, CHANNELS, size, size, generator=generator)


def layers_of(carrier, box, index):
    """Targets of an object's layers, a cell of the crop for each pixel."""
    left, top, right, bottom = box
    cfg = dict(mask_size=(bottom - top, right - left))
    targets = head_of().targets([rois([box], [index], [0])], [instances(carrier)], cfg)
    assert targets.keys() == {'amodal', 'visible', 'invisible'}
    return [targets[name][0] for name in ('amodal', 'visible', 'invisible')]


def test_layers_of_an_object_by_hand():
    square, seen = rectangle(4, 4, 6, 6), rectangle(4, 4, 6, 5)
    seen[5, 4] = 1
    carrier = AmodalMasks(square[None], 20, 20, visible=seen[None])
    for masks, box, index, areas in (
        (carrier, [4, 4, 6, 6], 0, [4, 3, 1]),
        (two_objects(), [5, 0, 15, 7], 1, [70, 60, 10]),
    ):
        amodal, *layers = layers_of(masks, box, index)
        assert [int(mask.sum()) for mask in (amodal, *layers)] == areas
        assert torch.equal(sum(map(torch.Tensor.int, layers)), amodal.int())


def test_the_amodal_mask_is_the_union_or_the_sum():
    for amodal, expected in (('noisy-or', [0.75, 0.98233]), ('sum', [0.5, 0.5])):
        head = head_of(amodal=amodal)
        for weight in head.trunk.parameters():
            torch.nn.init.zeros_(weight)
        found = []
        for layers in ([0.0, 0.0], [-4.0, 4.0]):
            head.trunk.conv_logits.bias.data = torch.tensor(layers)
            logits = head(features(1))
            assert logits.shape == (1, 3, 32, 32)
            assert logits[0, 1:, 0, 0].tolist() == layers
            found.append(logits[0, 0, 5, 7].sigmoid().item())
        assert found == pytest.approx(expected, abs=1e-5)


def test_losses_are_those_of_the_layers_and_of_their_union():
    head, x = head_of(), features()
    truth, results = random_batch()
    losses = head.loss_and_target(head(x), results, truth, CFG)['loss_mask']
    targets = head.targets(results, truth, CFG)
    logits = head.trunk(x)
    layers = torch.stack([targets['visible'], targets['invisible']], dim=1)
    bce = F.binary_cross_entropy_with_logits
    # the mean over all layers and pixels, as released
    both = losses['loss_mask_visible'] + losses['loss_mask_invisible']
    torch.testing.assert_close(both, bce(logits, layers.float()))
    union = bce(noisy_or(logits), layers.sum(1).float())
    torch.testing.assert_close(losses['loss_mask'], union)
    assert losses.keys() == {'loss_mask', 'loss_mask_visible', 'loss_mask_invisible'}


def test_one_layer_is_twice_mask_rcnns_loss():
    stock = FCNMaskHead(num_classes=3, class_agnostic=True, **TRUNK)
    ours = head_of(num_layers=1)
    stock.load_state_dict(ours.trunk.state_dict())
    found = []
    for head in (stock, ours):
        truth, results = random_batch()
        losses = head.loss_and_target(head(features()), results, truth, CFG)
        loss = losses['loss_mask']['loss_mask'].sum()
        loss.backward()
        found.append([loss, *(weight.grad for weight in head.parameters())])
    assert len(found[0]) == 7
    torch.testing.assert_close(found[1], [2 * value for value in found[0]])


def test_one_layer_has_no_visible_mask():
    meta = dict(ori_shape=(60, 100), scale_factor=(1.0, 1.0))
    head = head_of(num_layers=1)
    preds = head(features(1)).detach()
    (found,) = head.predict_by_feat(
        [preds], [detections([[4.0, 4, 44, 36]])], [meta], TEST_CFG, True
    )
    assert 'visible_masks' not in found and 'occlusion_rates' not in found


def test_what_is_visible_is_amodal():
    """At any threshold, before the contract cuts anything."""
    layers = 5 * torch.randn(3, 2, 16, 16, generator=torch.Generator().manual_seed(0))
    assert (noisy_or(layers) >= layers.amax(dim=1)).all()


def test_the_union_is_float32_in_mixed_precision():
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert head_of()(features(2)).dtype == torch.float32


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(num_layers=3), 'num_layers is 2 .* or 1 .*, not 3: .* no depth order'),
        (dict(amodal='max'), r"amodal is one of \('noisy-or', 'sum'\), not 'max'"),
        (
            dict(num_layers=1, loss_weights=dict(visible=1.0)),
            r"are those of \('amodal',\), not \['visible'\]",
        ),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        head_of(**options)
