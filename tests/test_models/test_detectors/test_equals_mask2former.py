"""With ``odm=None`` OAFormer is MMDetection's Mask2Former."""

import copy

import pytest
import torch
from tiny_models import (
    images,
    load_weights,
    mask2former,
    oaformer,
    samples,
    without_odm,
)

from oaformer.structures import decode_masks


def pair(dtype=torch.float32, **changes):
    """Both models with the same weights."""
    stock = mask2former(**changes)
    ours = oaformer(seed=1, **{**changes, **without_odm()})
    load_weights(ours, stock)
    return stock.eval().to(dtype), ours.eval().to(dtype)


def stage_differences(stock, ours, batch):
    features = stock.extract_feat(batch)
    cls_scores, masks = stock.panoptic_head(features, samples())
    output = ours.panoptic_head(features, samples())
    assert len(output.cls_scores) == len(cls_scores)
    assert output.occlusion_logits == []
    own_masks = [
        torch.einsum('bqc,bchw->bqhw', embed, output.mask_features)
        for embed in output.mask_embeds
    ]
    return [
        (first - second).abs().max().item()
        for first, second in zip(
            [*cls_scores, *masks], [*output.cls_scores, *own_masks], strict=True
        )
    ]


@torch.no_grad()
def test_logits_of_every_stage():
    stock, ours = pair()
    assert max(stage_differences(stock, ours, images())) <= 1e-4


@torch.no_grad()
def test_logits_of_every_stage_in_float64(monkeypatch):
    # the head keeps float32 islands; in float64 nothing but rounding may be left
    stock, ours = pair(torch.float64)
    monkeypatch.setattr(torch.Tensor, 'float', lambda self: self)
    assert max(stage_differences(stock, ours, images().double())) <= 1e-10


@torch.no_grad()
@pytest.mark.parametrize('rescale', [True, False])
def test_instances_after_post_processing(rescale):
    stock, ours = pair()
    ours.panoptic_fusion_head.mask_chunk_size = 3
    batch = samples(image_size=(60, 90), output_size=(120, 180))
    expected = stock.predict(images(), copy.deepcopy(batch), rescale=rescale)
    predicted = ours.predict(images(), copy.deepcopy(batch), rescale=rescale)
    for first, second in zip(expected, predicted, strict=True):
        first, second = first.pred_instances, second.pred_instances
        order = first.scores.argsort(descending=True)
        torch.testing.assert_close(first.scores[order], second.scores)
        assert first.labels[order].tolist() == second.labels.tolist()
        torch.testing.assert_close(first.bboxes[order], second.bboxes)
        masks = torch.from_numpy(decode_masks(second.masks)).bool()
        assert torch.equal(first.masks[order], masks)
        assert 'occlusion_rates' not in second


@pytest.mark.parametrize('counts', [(3, 2), (0, 3), (0, 0), (12, 1)])
def test_losses(counts, monkeypatch):
    """Equal once both draw the same points: every draw starts from the same seed."""
    stock, ours = pair()
    draw = torch.rand
    points = torch.Generator()

    def seeded(*size, **kwargs):
        points.manual_seed(7)
        return draw(*size, generator=points)

    monkeypatch.setattr(torch, 'rand', seeded)
    expected = stock.loss(images(), samples(counts))
    losses = ours.loss(images(), samples(counts))
    assert losses.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(losses[key], value.squeeze(), rtol=1e-4, atol=1e-5)
    sum(expected.values()).backward()
    sum(losses.values()).backward()
    own = dict(ours.named_parameters())
    for name, parameter in stock.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(
                own[name].grad, parameter.grad, rtol=1e-2, atol=1e-4
            )
