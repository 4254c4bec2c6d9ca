import copy
import io

import pytest
import torch
from mmengine.model import ExponentialMovingAverage
from tiny_models import images, oaformer, samples
from torch._dynamo.testing import CompileCounter

MODULES = {
    'backbone': 'backbone',
    'pixel_decoder': 'panoptic_head.pixel_decoder',
}
PARTS = list(MODULES)


@pytest.fixture(autouse=True)
def no_earlier_compilations():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def compiled_modules(model):
    return [
        name
        for name, module in model.named_modules()
        if module._compiled_call_impl is not None
    ]


@torch.no_grad()
def mask_features(model):
    return model.panoptic_head.pixel_decoder(model.extract_feat(images()))[0]


def losses_and_gradients(model, size):
    model.train().zero_grad()
    torch.manual_seed(0)
    losses = model.loss(images(size=size), samples(size=size))
    sum(losses.values()).backward()
    gradients = {
        name: parameter.grad
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    return losses, gradients


@torch.no_grad()
def predictions(model, size=(64, 96)):
    (sample,) = model.eval().predict(images(1, size), samples((1,), size))
    return sample.pred_instances


def check_results(model, size):
    """The same losses, gradients and predictions as uncompiled."""
    plain = oaformer()
    for first, second in zip(
        losses_and_gradients(plain, size),
        losses_and_gradients(model, size),
        strict=True,
    ):
        assert first.keys() == second.keys()
        for key, value in first.items():
            torch.testing.assert_close(
                second[key], value, rtol=1e-4, atol=1e-4, msg=key
            )
    first, second = predictions(plain, size), predictions(model, size)
    for key in ('scores', 'bboxes', 'occlusion_rates'):
        torch.testing.assert_close(second[key], first[key], rtol=1e-4, atol=1e-4)
    assert torch.equal(second.labels, first.labels)
    assert second.masks == first.masks


def test_off_by_default():
    assert compiled_modules(oaformer()) == []


@pytest.mark.parametrize('parts', [['backbone'], 'pixel_decoder', PARTS])
def test_only_the_named_parts_and_the_same_weights(parts):
    model = oaformer(compile_cfg=dict(parts=parts))
    names = [parts] if isinstance(parts, str) else parts
    assert compiled_modules(model) == [MODULES[name] for name in names]
    plain = oaformer()
    assert [name for name, _ in model.named_modules()] == [
        name for name, _ in plain.named_modules()
    ]
    weights = model.state_dict()
    assert list(weights) == list(plain.state_dict())
    # init_weights drew the same numbers
    assert all(torch.equal(weights[k], v) for k, v in plain.state_dict().items())


@torch.no_grad()
def test_part_goes_to_the_backend_when_it_runs():
    backend = CompileCounter()
    model = oaformer(compile_cfg=dict(parts='backbone', backend=backend))
    assert backend.frame_count == 0
    features = model.extract_feat(images())
    assert backend.frame_count == 1
    for first, second in zip(oaformer().extract_feat(images()), features, strict=True):
        torch.testing.assert_close(second, first)


@pytest.mark.slow
@pytest.mark.parametrize(
    ('part', 'sizes'),
    [('backbone', [(64, 96), (96, 128)]), ('pixel_decoder', [(64, 96)])],
)
def test_losses_gradients_and_predictions(part, sizes):
    model = oaformer(compile_cfg=dict(parts=part))
    for size in sizes:
        check_results(model, size)


@pytest.mark.slow
@pytest.mark.parametrize(('dynamic', 'compilations'), [(None, 2), (True, 1)])
def test_backbone_is_not_compiled_for_every_size(dynamic, compilations):
    backend = CompileCounter()
    model = oaformer(
        compile_cfg=dict(parts='backbone', dynamic=dynamic, backend=backend)
    )
    for size in [(64, 96), (96, 128), (128, 64), (160, 160), (64, 192)]:
        model.extract_feat(images(size=size))
    assert backend.frame_count == compilations


@pytest.mark.parametrize(
    ('compile_cfg', 'error', 'words'),
    [
        (dict(parts=['backbone', 'losses']), ValueError, r"not \['losses'\]"),
        (dict(parts='losses'), ValueError, r"not \['losses'\]"),
        (dict(parts=[]), ValueError, 'backbone.*pixel_decoder'),
        (dict(mode='default'), TypeError, 'parts'),
        (dict(parts='backbone', speed=2), TypeError, 'speed'),
    ],
)
def test_bad_settings(compile_cfg, error, words):
    with pytest.raises(error, match=words):
        oaformer(compile_cfg=compile_cfg)


def test_copies_and_pickles_are_whole_and_not_compiled():
    model = oaformer(compile_cfg=dict(parts=PARTS))
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    copies = [
        copy.deepcopy(model),
        ExponentialMovingAverage(model).module,
        torch.load(file, weights_only=False),
    ]
    for parameter in model.parameters():
        parameter.data.zero_()
    expected = mask_features(oaformer())
    for other in copies:
        assert compiled_modules(other) == []
        torch.testing.assert_close(mask_features(other), expected)
