import logging
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from mmdet.datasets import MultiImageMixDataset
from mmengine.dataset import ClassBalancedDataset, ConcatDataset, RepeatDataset
from mmengine.runner.base_loop import BaseLoop

from oaformer.datasets import AmodalCocoDataset, AmodalCopyPaste
from oaformer.datasets.findings import AnnotationError
from oaformer.engine import DataCheckHook


def data(most, occluded, file='a.json'):
    dataset = object.__new__(AmodalCocoDataset)
    dataset.ann_file, dataset._metainfo = file, dict(classes=('cup',))
    dataset._fully_initialized = True
    dataset.num_objects, dataset.num_occluded = {6: 0, 7: most}, occluded
    return dataset


def wrapped(part, kind=RepeatDataset, **values):
    wrapper = object.__new__(kind)
    wrapper.dataset = part
    vars(wrapper).update(values)
    return wrapper


def concat(*parts):
    wrapper = object.__new__(ConcatDataset)
    wrapper.datasets = list(parts)
    return wrapper


def pasting(part):
    return wrapped(part, MultiImageMixDataset, pipeline=[AmodalCopyPaste()])


def runner(train=None, val=None, test=None, odm='odm', max_per_image=30):
    head = SimpleNamespace(num_queries=20, odm=odm)
    return SimpleNamespace(
        model=SimpleNamespace(
            panoptic_head=head,
            panoptic_fusion_head=None,
            test_cfg=dict(max_per_image=max_per_image),
        ),
        train_dataloader=SimpleNamespace(dataset=train),
        val_dataloader=SimpleNamespace(dataset=val),
        test_dataloader=SimpleNamespace(dataset=test),
        _train_loop={} if train is None else Mock(spec=BaseLoop),
        val_loop=None if val is None else Mock(spec=BaseLoop),
        logger=logging.getLogger('test_data_check'),
    )


UNOCCLUDED = 'a.json: none of 20 objects is occluded'
MANY = (
    'a.json: image 7 has 21 objects, and 1 of 2 images have more than '
    'model.panoptic_head.num_queries=20: the others can not be learned. Set it to 21'
)


@pytest.mark.parametrize(
    ('dataset', 'odm', 'words'),
    [
        (data(20, 1), 'odm', []),
        (wrapped(data(20, 1)), 'odm', []),
        (data(20, 0), 'odm', [UNOCCLUDED]),
        (data(20, 0), None, []),
        (concat(data(20, 0), wrapped(data(0, 0, 'b.json'))), 'odm', ['a.json, b']),
        (concat(data(20, 0), data(20, 1, 'b.json')), 'odm', []),
        # pasted objects occlude others
        (pasting(data(20, 0)), 'odm', []),
        (wrapped(concat(pasting(data(20, 0)))), 'odm', []),
        (wrapped(data(21, 1)), 'odm', [MANY]),
        (wrapped(data(21, 1), ClassBalancedDataset), 'odm', [MANY]),
        (
            concat(data(1, 1, 'b.json'), data(21, 1)),
            'odm',
            ['a.json: .* 1 of 4'],
        ),
        # as other data sets are, which have no such numbers
        (SimpleNamespace(), 'odm', []),
    ],
)
def test_said_before_a_training(dataset, odm, words, caplog):
    with caplog.at_level(logging.WARNING):
        DataCheckHook().before_train(runner(dataset, odm=odm))
    assert len(caplog.messages) == len(words)
    for message, each in zip(caplog.messages, words, strict=True):
        assert all(part in message for part in each.split(' .* '))


def test_heads_of_visible_masks_need_them():
    train = runner(data(20, 0))
    mask_head = SimpleNamespace(branches=('amodal', 'visible'))
    train.model = SimpleNamespace(roi_head=SimpleNamespace(mask_head=mask_head))
    words = 'none of 20 objects is occluded, and .* learns amodal, visible masks'
    with pytest.raises(AnnotationError, match=words):
        DataCheckHook().before_train(train)
    mask_head.branches = ('amodal',)
    DataCheckHook().before_train(train)
    mask_head.branches = ('amodal', 'visible')
    train.train_dataloader.dataset = data(20, 1)
    DataCheckHook().before_train(train)


@pytest.mark.parametrize('wrap', [lambda part: part, wrapped, concat, pasting])
def test_no_object_to_learn_is_an_error(wrap):
    with pytest.raises(AnnotationError, match='a.json: nothing .* 2 .*classes cup'):
        DataCheckHook().before_train(runner(wrap(data(0, 0))))


@pytest.mark.parametrize(
    ('most', 'max_per_image', 'settings'),
    [
        (20, 30, []),
        (30, 30, ['num_queries=20']),
        (15, 10, ['max_per_image=10']),
        (31, 30, ['num_queries=20', 'max_per_image=30']),
    ],
)
def test_more_objects_than_can_be_found(most, max_per_image, settings, caplog):
    dataset, options = data(most, 0), dict(max_per_image=max_per_image)
    hook = DataCheckHook()
    for run, check in (
        (runner(test=dataset, **options), hook.before_test),
        (runner(val=dataset, **options), hook.before_val),
        # said once, not in every validation
        (runner(data(1, 1), val=dataset, **options), hook.before_train),
    ):
        caplog.clear()
        check(run)
        assert len(caplog.messages) == len(settings)
        for message, setting in zip(caplog.messages, settings, strict=True):
            assert f'{setting}: the others can not be found' in message
    caplog.clear()
    hook.before_val(runner(data(1, 1), val=dataset, **options))
    assert not caplog.messages
