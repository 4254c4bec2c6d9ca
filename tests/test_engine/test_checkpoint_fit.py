import logging
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import torch
from mmengine.runner.base_loop import BaseLoop
from tiny_models import oaformer, without_odm

from oaformer.engine import CheckpointFitHook, CheckpointMisfitError, compare_weights
from oaformer.engine.checkpoint_fit import WeightMisfit, saved_dataset_meta

VISIBLE = dict(
    panoptic_head=dict(
        loss_visible_mask=dict(loss_weight=0.5), loss_visible_dice=dict(loss_weight=0.5)
    )
)


def runner(model, train=False, resume=False):
    return SimpleNamespace(
        model=model,
        logger=logging.getLogger('test'),
        _train_loop=Mock(spec=BaseLoop) if train else {},
        _resume=resume,
        _load_from='a.pth',
    )


def test_the_same_model_fits():
    model, other = oaformer(), oaformer(seed=1)
    state = {f'module.{key}': value for key, value in other.state_dict().items()}
    state.pop('module.backbone.bn1.num_batches_tracked', None)
    misfit = compare_weights(model, state)
    assert not misfit
    CheckpointFitHook().after_load_checkpoint(runner(model), dict(state_dict=state))


def test_every_weight_is_listed():
    model = torch.nn.Linear(2, 3)
    state = dict(weight=torch.zeros(3, 4), other=torch.zeros(1))
    misfit = compare_weights(model, state)
    assert misfit[:3] == (['bias'], ['other'], dict(weight=((3, 4), (3, 2))))
    assert misfit.listing().splitlines() == [
        'missing: bias',
        'unexpected: other',
        'misshapen: weight, (3, 4) instead of (3, 2)',
    ]
    assert misfit.summary() == (
        'weights: 1 missing (bias), 1 unexpected (other), 1 misshapen (weight, (3, 4) '
        'instead of (3, 2))'
    )


CASES = {
    'classes': (
        dict(panoptic_head=dict(num_things_classes=5)),
        'the checkpoint has 3 classes, the config has 5 '
        '(model.panoptic_head.num_things_classes)',
    ),
    'queries': (
        dict(panoptic_head=dict(num_queries=11)),
        'the checkpoint has 7 queries, the config has 11 '
        '(model.panoptic_head.num_queries)',
    ),
    'without odm': (
        without_odm(),
        'the checkpoint has an occlusion distinguish module, the config has none '
        '(model.panoptic_head.odm)',
    ),
    'visible': (
        VISIBLE,
        'the config has a branch of visible masks, the checkpoint has none '
        '(model.panoptic_head.loss_visible_mask)',
    ),
}


@pytest.mark.parametrize('name', CASES)
def test_the_setting_that_differs_is_named(name):
    changes, cause = CASES[name]
    state = oaformer(panoptic_head=dict(num_queries=7)).state_dict()
    changes = dict(changes)
    if name != 'queries':
        changes['panoptic_head'] = dict(changes['panoptic_head'], num_queries=7)
    misfit = compare_weights(oaformer(**changes), state)
    assert misfit.causes() == [cause]


@pytest.mark.parametrize(('train', 'resume'), [(False, False), (True, True)])
def test_testing_and_resuming_refuse(train, resume):
    state = oaformer().state_dict()
    hook = CheckpointFitHook()
    with pytest.raises(CheckpointMisfitError, match='^a.pth does not fit .*odm'):
        hook.after_load_checkpoint(
            runner(oaformer(**without_odm()), train, resume), dict(state_dict=state)
        )


def test_finetuning_goes_on_with_a_warning(caplog):
    state = oaformer().state_dict()
    with caplog.at_level(logging.INFO, logger='test'):
        CheckpointFitHook().after_load_checkpoint(
            runner(oaformer(**VISIBLE), train=True), dict(state_dict=state)
        )
    listing, warning = caplog.messages
    assert 'missing: panoptic_head.visible_mask_embed.0.weight' in listing
    assert warning.startswith('The checkpoint does not fit the model: the config has')


BACKBONE = {
    k: v for k, v in oaformer().state_dict().items() if k.startswith('backbone')
}


@pytest.mark.parametrize(
    ('checkpoint', 'cause', 'starts'),
    [
        (dict(optimizer=dict(state={})), 'has no weights', False),
        (dict(state_dict={}), 'has no weights', False),
        (dict(state_dict=None), 'has no weights', False),
        (dict(ema_state_dict=BACKBONE), 'has no weights', False),
        ({k.removeprefix('backbone.'): v for k, v in BACKBONE.items()}, 'init_', False),
        (dict(state_dict=BACKBONE), 'weights of the backbone only', True),
        (oaformer(backbone=dict(depth=34)).state_dict(), 'another backbone', True),
    ],
)
def test_files_of_another_kind(checkpoint, cause, starts, caplog):
    hook = CheckpointFitHook()
    with pytest.raises(CheckpointMisfitError, match=cause):
        hook.after_load_checkpoint(runner(oaformer()), checkpoint)
    start = runner(oaformer(), train=True)
    if starts:
        hook.after_load_checkpoint(start, checkpoint)
        assert cause in caplog.text
    else:
        with pytest.raises(CheckpointMisfitError, match=cause):
            hook.after_load_checkpoint(start, checkpoint)


@pytest.mark.parametrize(
    ('weight', 'shapes', 'setting'),
    [
        # a numbered head of a cascade
        ('roi_head.bbox_head.1.fc_cls.weight', ((4, 8), (6, 8)), 'roi_head.bbox_head'),
        # FCOS has no background
        ('bbox_head.conv_cls.weight', ((3, 8, 3, 3), (5, 8, 3, 3)), 'bbox_head'),
    ],
)
def test_classes_of_other_heads(weight, shapes, setting):
    assert WeightMisfit([], [], {weight: shapes}).causes() == [
        f'the checkpoint has 3 classes, the config has 5 (model.{setting}.num_classes)'
    ]


@pytest.mark.parametrize(
    'meta',
    [
        dict(CLASSES=('cup',)),
        dict(dataset_meta=dict(CLASSES=('cup',))),
        dict(dataset_meta=dict(classes='cup')),
    ],
)
def test_classes_of_a_checkpoint(meta):
    assert saved_dataset_meta(dict(meta=meta))['classes'] == ('cup',)
