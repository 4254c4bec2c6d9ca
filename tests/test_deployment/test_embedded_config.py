import pytest
from tiny_checkpoint import tiny_config

from oaformer.deployment import default_size, embedded_config
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
