import pytest
import torch
from tiny_checkpoint import tiny_config
from torch import nn

from oaformer.deployment import ExportableDetector, default_size, embedded_config
from oaformer.deployment.exportable import StagedGroupNorm, replace_group_norms
from oaformer.engine.safe_config import parse_config


def config(resize):
    cfg = tiny_config()
    pipeline = cfg.test_dataloader.dataset.pipeline
    pipeline[1:2] = [] if resize is None else [dict(type='Resize', **resize)]
    return cfg


@pytest.mark.parametrize(
    'resize, size',
    [
        (dict(scale=(1333, 800), keep_ratio=True), (800, 1344)),
        (dict(scale=(800, 1333), keep_ratio=True), (800, 1344)),
        # exactly this size: width and height, in this order
        (dict(scale=(800, 1333)), (1344, 800)),
        (dict(scale_factor=2.0), None),
        (None, None),
    ],
)
def test_default_size(resize, size):
    assert default_size(config(resize)) == size


def test_what_a_runtime_needs(detector):
    cfg = detector.cfg
    embedded = embedded_config(detector)
    assert sorted(embedded) == ['model', 'test_dataloader', 'visualizer']
    assert embedded.model == dict(
        panoptic_fusion_head=dict(
            type='AmodalFusionHead', num_things_classes=3, test_cfg=cfg.model.test_cfg
        )
    )
    pipeline = cfg.test_dataloader.dataset.pipeline
    assert embedded.test_dataloader == dict(dataset=dict(pipeline=pipeline))
    assert embedded.visualizer == cfg.visualizer
    # what is written can be read
    read = parse_config(embedded.pretty_text, 'model.onnx')
    assert read.to_dict() == embedded.to_dict()


def test_exportable_sees_what_the_detector_sees(detector):
    """Normalised and padded as by the data preprocessor; what is beside is ignored."""
    inputs = torch.randint(0, 256, (2, 3, 64, 96), dtype=torch.uint8)
    img_shapes = torch.tensor([[64, 96], [40, 70]])
    images = [inputs[0], inputs[1, :, :40, :70]]
    with torch.no_grad():
        batch = detector.data_preprocessor(dict(inputs=images, data_samples=None))
        expected = detector.forward_tensors(batch['inputs'])
        tensors = ExportableDetector(detector)(inputs, img_shapes)
    for tensor, other in zip(tensors, expected.values(), strict=True):
        torch.testing.assert_close(tensor, other)


def norm(**options):
    torch.manual_seed(0)
    module = nn.GroupNorm(3, 12, **options).double()
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    return module


def test_equals_group_norm():
    x = torch.randn(2, 12, 5, 7, dtype=torch.float64) * 3 + 20
    for module in (norm(), norm(eps=0.5)):
        torch.testing.assert_close(StagedGroupNorm(module)(x), module(x))


def test_every_norm_is_replaced_and_nothing_else():
    inner = nn.Sequential(nn.Conv2d(12, 12, 1), norm())
    module = nn.Sequential(norm(), inner, nn.LayerNorm(4))
    weights = [parameter.data_ptr() for parameter in module.parameters()]
    replace_group_norms(module)
    kinds = [type(child).__name__ for child in (module[0], *inner, module[2])]
    assert kinds == ['StagedGroupNorm', 'Conv2d', 'StagedGroupNorm', 'LayerNorm']
    assert [parameter.data_ptr() for parameter in module.parameters()] == weights
