"""Models learn and predict the same with these operators as with the compiled ones."""

import sys

import pytest
import torch
from mmcv.ops.multi_scale_deform_attn import (
    MultiScaleDeformableAttnFunction,
    multi_scale_deformable_attn_pytorch,
)
from mmdet.registry import MODELS
from mmengine.config import Config
from tiny_models import CONFIGS, NUM_CLASSES, SIZE, images, oaformer, samples

from oaformer.ops import mmcv_ext


def mask_rcnn():
    cfg = Config.fromfile(
        CONFIGS / '_base_' / 'models' / 'amodal-mask-rcnn_tiny.py',
        import_custom_modules=False,
    )
    heads = dict(num_classes=NUM_CLASSES)
    roi_head = dict(bbox_head=heads, mask_head=heads)
    cfg.merge_from_dict(dict(model=dict(roi_head=roi_head)))
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model


def batch():
    data_samples = samples()
    for sample in data_samples:
        sample.set_metainfo(dict(pad_shape=SIZE, scale_factor=(1.0, 1.0)))
    return data_samples


def use(operators, monkeypatch):
    for name in ('nms', 'roi_align', 'multi_scale_deform_attn'):
        module = sys.modules[f'mmcv.ops.{name}']
        monkeypatch.setattr(module, 'ext_module', operators)


def training_step(build):
    """Losses and the gradients of all weights."""
    model = build()
    torch.manual_seed(1)
    losses = model.loss(images(), batch())
    total, logged = model.parse_losses(losses)
    total.backward()
    grads = {name: weight.grad for name, weight in model.named_parameters()}
    return logged, {name: grad for name, grad in grads.items() if grad is not None}


@pytest.mark.parametrize('build', [mask_rcnn, oaformer])
def test_a_training_step(compiled, build, monkeypatch):
    use(compiled, monkeypatch)
    expected_losses, expected_grads = training_step(build)
    use(mmcv_ext, monkeypatch)
    losses, grads = training_step(build)
    for name, loss in expected_losses.items():
        torch.testing.assert_close(losses[name], loss, rtol=1e-5, atol=1e-6)
    assert grads.keys() == expected_grads.keys()
    for name, grad in expected_grads.items():
        torch.testing.assert_close(grads[name], grad, rtol=1e-3, atol=1e-5)


@torch.no_grad()
def test_predictions_of_mask_rcnn(compiled, monkeypatch):
    model = mask_rcnn().eval()
    results = []
    for operators in (compiled, mmcv_ext):
        use(operators, monkeypatch)
        results.append(model.predict(images(), batch()))
    for sample, other in zip(*results, strict=True):
        ours, theirs = other.pred_instances, sample.pred_instances
        assert len(theirs) > 0
        assert torch.equal(ours.labels, theirs.labels)
        torch.testing.assert_close(ours.bboxes, theirs.bboxes)
        torch.testing.assert_close(ours.scores, theirs.scores)
        assert ours.masks == theirs.masks


def test_deformable_attention_of_other_models(monkeypatch):
    # what they call on a GPU
    use(mmcv_ext, monkeypatch)
    shapes = torch.tensor([[6, 4], [3, 2]])
    starts = torch.tensor([0, 24])
    value = torch.randn(2, 30, 2, 4, dtype=torch.float64)
    locations = torch.rand(2, 5, 2, 2, 3, 2, dtype=torch.float64)
    weights = torch.rand(2, 5, 2, 2, 3, dtype=torch.float64)
    leaves = [t.requires_grad_() for t in (value, locations, weights)]

    expected = multi_scale_deformable_attn_pytorch(value, shapes, locations, weights)
    output = MultiScaleDeformableAttnFunction.apply(
        value, shapes, starts, locations, weights, 64
    )
    assert torch.equal(output, expected)
    grad = torch.randn_like(output)
    assert all(
        map(
            torch.equal,
            torch.autograd.grad(output, leaves, grad),
            torch.autograd.grad(expected, leaves, grad),
        )
    )
