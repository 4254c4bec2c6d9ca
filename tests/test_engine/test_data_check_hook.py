import logging
from types import SimpleNamespace

import pytest
from mmengine.dataset import RepeatDataset

from oaformer.datasets import AmodalCocoDataset
from oaformer.datasets.findings import AnnotationError
from oaformer.engine import DataCheckHook


def data(most, occluded, file='a.json'):
    dataset = object.__new__(AmodalCocoDataset)
    dataset.ann_file, dataset._metainfo = file, dict(classes=('cup',))
    dataset.most_objects, dataset.num_occluded = (most, 7), occluded
    return dataset


def repeat(part):
    wrapper = object.__new__(RepeatDataset)
    wrapper.dataset = part
    return wrapper


def runner(dataset, odm='odm'):
    head = SimpleNamespace(num_queries=20, odm=odm)
    loader = SimpleNamespace(dataset=dataset)
    return SimpleNamespace(
        model=SimpleNamespace(panoptic_head=head),
        train_dataloader=loader,
        test_dataloader=loader,
        logger=logging.getLogger('test_data_check'),
    )


@pytest.mark.parametrize(
    ('dataset', 'odm', 'words'),
    [
        (data(20, 1), 'odm', []),
        (repeat(data(20, 1)), 'odm', []),
        (data(20, 0), 'odm', ['no object is occluded']),
        (data(20, 0), None, []),
        (repeat(data(21, 1)), 'odm', ['image 7 has 21 objects, the model 20 queries']),
        # as other data sets and models are, which have no such numbers
        (SimpleNamespace(), 'odm', []),
    ],
)
def test_said_before_a_training(dataset, odm, words, caplog):
    with caplog.at_level(logging.WARNING):
        DataCheckHook().before_train(runner(dataset, odm))
    assert len(caplog.messages) == len(words)
    for message, each in zip(caplog.messages, words, strict=True):
        assert message.startswith('a.json: ') and each in message


def test_no_object_to_learn_is_an_error():
    with pytest.raises(AnnotationError, match=r"a.json: nothing .*\('cup',\)"):
        DataCheckHook().before_train(runner(repeat(data(0, 0))))


def test_more_objects_than_queries_in_a_test(caplog):
    DataCheckHook().before_test(runner(data(30, 0)))
    assert 'num_queries=30 or more' in caplog.messages[0]
