import logging
from contextlib import nullcontext
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import torch
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmengine.runner.base_loop import BaseLoop
from roi_cases import two_stage
from tiny_models import NUM_CLASSES, oaformer

from oaformer.engine import ClassCheckHook, ClassMismatchError
from oaformer.evaluation.ground_truth import AmodalGroundTruth

CLASSES = ('box', 'cup', 'jar')
assert len(CLASSES) == NUM_CLASSES


class Data:
    """A data set of nothing but classes."""

    def __init__(self, file, classes=CLASSES):
        self.ann_file, self.metainfo = file, dict(classes=classes)

    def __len__(self):
        return 1

    def full_init(self):
        pass


def loader(data):
    return SimpleNamespace(dataset=data)


def runner(train=None, val=None, test=None, model=None, resume=False, metrics=()):
    return SimpleNamespace(
        model=model or oaformer(),
        train_dataloader=loader(train),
        val_dataloader=loader(val),
        test_dataloader=loader(test),
        val_evaluator=SimpleNamespace(metrics=metrics),
        test_evaluator=SimpleNamespace(metrics=metrics),
        logger=logging.getLogger('test'),
        _train_loop={} if train is None else Mock(spec=BaseLoop),
        val_loop=None if val is None else Mock(spec=BaseLoop),
        _test_loop={} if test is None else Mock(spec=BaseLoop),
        _resume=resume,
        _load_from='a.pth',
    )


def concat(*parts):
    """As MMDetection allows it: the parts need not agree."""
    data = object.__new__(ConcatDataset)
    data.datasets = list(parts)
    return data


def repeat(part):
    data = object.__new__(RepeatDataset)
    data.dataset = part
    return data


def test_one_list_everywhere():
    hook = ClassCheckHook()
    data = concat(Data('a.json'), repeat(Data('b.json')))
    hook.before_train(runner(data, Data('val.json')))
    hook.before_test(runner(test=Data('test.json')))


@pytest.mark.parametrize(
    ('train', 'val', 'message'),
    [
        (
            Data('a.json'),
            Data('val.json', CLASSES[::-1]),
            'val_dataloader, val.json has the same classes in another order than '
            r'train_dataloader, a.json: \(jar, cup, box\) instead of \(box, cup, jar\)',
        ),
        (
            concat(Data('a.json'), repeat(Data('b.json', ('cup', 'box', 'jar')))),
            Data('val.json'),
            'train_dataloader, b.json has the same classes in another order',
        ),
        (
            Data('a.json'),
            Data('val.json', CLASSES[1:]),
            r'val.json has other classes than .*: \(cup, jar\) instead of',
        ),
        (
            Data('a.json', ('objects', *CLASSES)),
            Data('val.json', ('objects', *CLASSES)),
            r'model.panoptic_head.num_things_classes is 3, the data has 4 classes '
            r'\(train_dataloader, a.json\): \(objects, box, cup, jar\). Set '
            'model.panoptic_head.num_things_classes=4',
        ),
        (Data('a.json', CLASSES[:2]), None, 'is 3, the data has 2 classes'),
    ],
    ids=['order', 'concat', 'one less', 'root category', 'too many'],
)
def test_training_is_refused(train, val, message):
    with pytest.raises(ClassMismatchError, match=message):
        ClassCheckHook().before_train(runner(train, val))


def test_testing_is_refused():
    with pytest.raises(ClassMismatchError, match='the data has 2 classes .test_data'):
        ClassCheckHook().before_test(runner(test=Data('test.json', CLASSES[:2])))


@pytest.mark.parametrize('key', ['classes', 'CLASSES'])
def test_the_checkpoints_classes(key):
    checkpoint = dict(meta=dict(dataset_meta={key: CLASSES[::-1]}))
    hook = ClassCheckHook()
    # fine-tuning may have other classes
    hook.after_load_checkpoint(runner(Data('a.json')), checkpoint)
    for state in (
        runner(Data('a.json'), resume=True),
        runner(test=Data('a.json')),
        runner(val=Data('a.json')),
    ):
        with pytest.raises(
            ClassMismatchError, match='a.json has the same classes in another order .*'
        ):
            hook.after_load_checkpoint(state, checkpoint)
    checkpoint['meta']['dataset_meta'][key] = list(CLASSES)
    hook.after_load_checkpoint(runner(test=Data('a.json')), checkpoint)
    hook.after_load_checkpoint(runner(test=Data('a.json')), dict(state_dict={}))


# SLN's layering head has four classes of its own, its mask head two layers
@pytest.mark.parametrize(
    ('system', 'head'),
    [
        ('mask-rcnn', 'roi_head.bbox_head'),
        ('sln', 'roi_head.bbox_head'),
        ('bcnet-fcos', 'bbox_head'),
    ],
)
def test_two_stage_models(repo_root, system, head):
    cfg = Config.fromfile(repo_root / 'configs' / 'synth' / f'{system}_tiny_synth.py')
    model = MODELS.build(cfg.model)
    five = ('a', 'b', 'c', 'd', 'e')
    ClassCheckHook().before_train(runner(Data('a.json', five), model=model))
    with pytest.raises(ClassMismatchError, match=f'model.{head}.num_classes is 5'):
        ClassCheckHook().before_train(runner(Data('a.json', five[:4]), model=model))


def test_shape_priors_of_other_classes():
    """The first shape of a list is that of the first class."""
    model = two_stage('shapedict')
    priors = model.roi_head.mask_head.shape_priors
    priors.file = 'priors.pth'
    for names, message in (
        (CLASSES, None),
        (CLASSES[::-1], r'than model.roi_head.mask_head.shape_priors .priors.pth.'),
        (('box', 'cup', 'can'), 'other classes'),
    ):
        priors.class_names = names
        context = nullcontext()
        if message:
            context = pytest.raises(ClassMismatchError, match=message)
        with context:
            ClassCheckHook().before_train(runner(Data('a.json'), model=model))


def test_finetuning_to_other_classes_is_one_line(caplog):
    checkpoint = dict(meta=dict(CLASSES=('car', 'van')))
    ClassCheckHook().after_load_checkpoint(runner(Data('a.json')), checkpoint)
    (line,) = caplog.messages
    assert line.startswith('a.pth was trained with the classes (car, van), this')


def test_the_metrics_file_lacks_a_class():
    truth = AmodalGroundTruth('metric.json', {}, [], dict(jar=1, box=2), False)
    metrics = [SimpleNamespace(), SimpleNamespace(ground_truth=truth)]
    hook, data = ClassCheckHook(), Data('a.json')
    with pytest.raises(ClassMismatchError, match="metric.json: classes .'cup'.*a.json"):
        hook.before_train(runner(data, data, metrics=metrics))
    with pytest.raises(ClassMismatchError, match='evaluator'):
        hook.before_test(runner(test=data, metrics=metrics))
    # as a metric does that is not class-agnostic, with data that is
    data_of_one = Data('a.json', ('object',))
    model = BBoxHead(num_classes=1)
    with pytest.raises(ClassMismatchError, match="'object'.*class_agnostic of the ev"):
        hook.before_test(runner(test=data_of_one, model=model, metrics=metrics))
    # another order and one more are no matter: the metric goes by name
    truth.category_ids.update(cup=3, lid=4)
    hook.before_test(runner(test=data, metrics=metrics))


def test_a_root_category_without_objects_is_named():
    data = Data('a.json', ('objects', *CLASSES))
    data.get_cat_ids = lambda index: [1, 2, 3]
    with pytest.raises(ClassMismatchError, match=r'Without an object.*: \(objects\)'):
        ClassCheckHook().before_train(runner(data))


@pytest.mark.parametrize(
    ('key', 'value', 'message'),
    [
        ('num_stuff_classes', 53, 'num_stuff_classes is 53: there are no amodal'),
        ('class_weight', [1.0] * NUM_CLASSES, 'has 3 numbers for 3 classes: write 4'),
    ],
)
def test_heads_that_disagree_with_themselves(key, value, message):
    model = oaformer()
    setattr(model.panoptic_head, key, value)
    with pytest.raises(ClassMismatchError, match=message):
        ClassCheckHook().before_test(runner(test=Data('a.json'), model=model))


def test_the_heads_of_a_cascade_are_counted_one_by_one():
    heads = torch.nn.ModuleList([BBoxHead(num_classes=3), BBoxHead(num_classes=4)])
    model = torch.nn.ModuleDict(dict(roi_head=torch.nn.ModuleDict(dict(bbox=heads))))
    with pytest.raises(ClassMismatchError, match='model.roi_head.bbox.1.num_classes'):
        ClassCheckHook().before_test(runner(test=Data('a.json'), model=model))
