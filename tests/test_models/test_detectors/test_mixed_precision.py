"""Training and prediction in float16 and bfloat16."""

import pytest
import torch
from tiny_models import images, oaformer, samples

from oaformer.models.layers import pixel_decoder

GPU = pytest.param(
    'cuda',
    marks=pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU'),
)
DEVICES = pytest.mark.parametrize('device', ['cpu', GPU])
DTYPES = pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])


def batch(device):
    return images().to(device), [sample.to(device) for sample in samples()]


def train(model, device, dtype, steps=8):
    """Losses of a few steps with AdamW and a loss scale; float32 if dtype is None."""
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=1e-3
    )
    scaler = torch.amp.GradScaler(device, enabled=dtype == torch.float16)
    totals = []
    for step in range(steps):
        torch.manual_seed(step)
        with torch.autocast(device, dtype=dtype, enabled=dtype is not None):
            losses = model.loss(*batch(device))
        assert {loss.dtype for loss in losses.values()} == {torch.float32}
        total = sum(losses.values())
        optimizer.zero_grad()
        scaler.scale(total).backward()
        scaler.step(optimizer)
        scaler.update()
        totals.append(total.item())
    return totals


@DEVICES
@DTYPES
def test_training_follows_float32(device, dtype):
    expected = train(oaformer().to(device), device, None)
    model = oaformer().to(device)
    totals = train(model, device, dtype)
    assert expected[-1] < 0.9 * expected[0]
    assert totals == pytest.approx(expected, rel=0.1)
    assert all(torch.isfinite(p).all() for p in model.parameters())


@DEVICES
@DTYPES
@pytest.mark.parametrize('attention_mask', ['binary', 'soft'])
def test_logits_beyond_the_range_of_float16(device, dtype, attention_mask):
    odm = dict(attention_mask=attention_mask)
    model = oaformer(panoptic_head=dict(odm=odm)).to(device)
    head = model.panoptic_head
    with torch.no_grad():
        for module in (head.mask_embed, head.odm.occlusion_embedding.mask_embed):
            module[-1].weight.mul_(3e3)
        head.pixel_decoder.mask_feature.weight.mul_(3e3)
    with torch.autocast(device, dtype=dtype):
        losses = model.loss(*batch(device))
        masks = head(model.extract_feat(images().to(device)))
    logits = masks.mask_embeds[-1].float() @ masks.mask_features.float().flatten(2)
    assert logits.abs().max() > torch.finfo(torch.float16).max
    assert all(torch.isfinite(loss) for loss in losses.values())
    # such gradients need a small loss scale in float16, which GradScaler would find
    scale = 2.0**-10 if dtype == torch.float16 else 1.0
    (scale * sum(losses.values())).backward()
    assert all(
        torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None
    )


@DEVICES
@DTYPES
@torch.no_grad()
def test_predictions_are_those_of_float32(device, dtype):
    model = oaformer().eval().to(device)
    image, batch_samples = batch(device)
    expected = model.predict(image, batch_samples)[0].pred_instances.clone()
    with torch.autocast(device, dtype=dtype):
        result = model.predict(image, batch_samples)[0].pred_instances
    # a few attention bits whose logit lies near 0 fall to the other side
    torch.testing.assert_close(result.scores, expected.scores, rtol=0.25, atol=0.05)
    rates = result.occlusion_rates, expected.occlusion_rates
    assert rates[0].dtype == torch.float32
    torch.testing.assert_close(
        rates[0].sort().values, rates[1].sort().values, rtol=0, atol=0.05
    )


@DEVICES
@DTYPES
def test_deformable_attention_gets_float32(device, dtype, monkeypatch):
    seen = []

    def spy(value, *arguments):
        tensors = [value, *arguments[2:4]]
        seen.extend(tensor.dtype for tensor in tensors)
        return original(value, *arguments)

    original = pixel_decoder.deformable_attention
    monkeypatch.setattr(pixel_decoder, 'deformable_attention', spy)
    model = oaformer().to(device)
    with torch.autocast(device, dtype=dtype):
        model.loss(*batch(device))
    assert set(seen) == {torch.float32}
