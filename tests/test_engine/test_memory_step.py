from functools import partial

import pytest
import tiny_models
import torch

from oaformer.engine import memory_step
from oaformer.engine.memory import ZeroKernels


def build(num_checkpointed=0):
    head = dict(
        pixel_decoder=dict(encoder=dict(num_cp=num_checkpointed)),
        odm=dict(num_layers=1),
        transformer_decoder=dict(num_layers=1),
    )
    return tiny_models.oaformer(panoptic_head=head).train()


@pytest.fixture(scope='module')
def model():
    return build()


def measure(model, batch_size=1):
    return memory_step.measure_step(model, batch_size, (64, 96), 3, torch.float32)


@pytest.fixture(scope='module')
def one(model):
    return measure(model)


def test_every_image_takes_the_same(model, one):
    two, three = measure(model, 2), measure(model, 3)
    assert one.at(two, 3).kept == pytest.approx(three.kept, rel=0.001)
    assert one.at(two, 3).peak == pytest.approx(three.peak, rel=0.001)
    assert all(size > 0 for size in one.kept.values())


def test_zeros_take_as_much_as_results(model, one, monkeypatch):
    zeros = partial(ZeroKernels, threshold=2000)
    monkeypatch.setattr(memory_step, 'ZeroKernels', zeros)
    assert measure(model) == one


def test_checkpointing_lowers_the_pixel_decoder(one):
    after = measure(build(num_checkpointed=1))
    assert after.kept['pixel decoder'] < 0.7 * one.kept['pixel decoder']
    for part in ('backbone', 'decoders', 'losses'):
        assert after.kept[part] == one.kept[part]


def test_nothing_stays_behind(model, one):
    assert all(parameter.grad is None for parameter in model.parameters())
    assert 'forward' not in vars(model.backbone)


def test_prediction_takes_less_than_training(model, one):
    peak = memory_step.measure_prediction(model, (64, 96))
    image = 3 * 64 * 96 * 4
    assert image < peak < one.peak
    assert model.training
