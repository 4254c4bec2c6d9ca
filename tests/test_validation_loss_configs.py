"""Configs that switch the validation loss and TensorBoard on."""

from pathlib import Path

import numpy as np
import pytest
from mmdet.registry import DATASETS
from mmengine.config import Config

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'


def load(name):
    return Config.fromfile(CONFIGS / f'{name}.py')


def changed_keys(parent, child):
    before, after = load(parent), load(child)
    assert before.keys() <= after.keys()
    return {key for key in after if before.get(key) != after[key]}


@pytest.mark.parametrize('parent', ['oaformer_r50_d2sa', 'oaformer_tiny_synth'])
def test_validation_loss_adds_one_hook(parent):
    assert changed_keys(parent, f'{parent}_val-loss') == {'custom_hooks'}
    *others, hook = load(f'{parent}_val-loss').custom_hooks
    assert others == load(parent).custom_hooks
    assert hook.type == 'ValidationLossHook'


@pytest.mark.parametrize('parent', ['oaformer_r50_d2sa', 'oaformer_tiny_synth'])
def test_its_pipeline_is_that_of_training_without_chance(parent):
    chance = {'RandomFlip', 'RandomResize', 'RandomCrop', 'FilterAnnotations'}
    training = [step.type for step in load(parent).train_pipeline]
    hook = load(f'{parent}_val-loss').custom_hooks[-1]
    steps = [step.type for step in hook.pipeline if step.type != 'Resize']
    assert steps == [name for name in training if name not in chance]


def test_tensorboard_is_added_to_the_local_backend():
    parent, child = 'oaformer_r50_d2sa', 'oaformer_r50_d2sa_tensorboard'
    assert changed_keys(parent, child) == {'visualizer', 'default_hooks'}
    backends = [backend.type for backend in load(child).visualizer.vis_backends]
    assert backends == ['LocalVisBackend', 'TensorboardVisBackend']
    assert load(child).default_hooks.logger.interval == 50


def test_real_images_have_masks_of_their_size(sample_data):
    cfg = load('oaformer_r50_d2sa_val-loss')
    data = cfg.val_dataloader.dataset
    data.data_root = str(sample_data / 'd2sa_sample')
    data.pipeline = cfg.custom_hooks[-1].pipeline
    dataset = DATASETS.build(data)
    once, twice = dataset[0], dataset[0]
    sample = once['data_samples']
    assert max(sample.img_shape) == 1024
    masks = sample.gt_instances.masks
    assert (masks.height, masks.width) == sample.img_shape == once['inputs'].shape[1:]
    again = twice['data_samples'].gt_instances.masks
    assert np.array_equal(masks.masks, again.masks)
    assert (once['inputs'] == twice['inputs']).all()
