"""A label is one class in the model, in every data set and in the checkpoint."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mmdet.models.dense_heads import RPNHead
from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from torch import nn
from torch.utils.data import Dataset

from .checkpoint_fit import saved_dataset_meta


class ClassMismatchError(ValueError):
    """Labels mean one class here and another one there, or none."""


class _Source(NamedTuple):
    """Where a list of classes comes from."""

    name: str
    classes: tuple[str, ...]


@HOOKS.register_module()
class ClassCheckHook(Hook):
    """Compare the classes of model, data sets and checkpoint before a run.

    Nothing else notices a difference: the last class of too many is trained as
    background, and a class at another place of the list is evaluated as another one.
    """

    # before anything is trained or tested
    priority = 'HIGHEST'

    def before_train(self, runner: Runner) -> None:
        """Check model, training and validation data.

        Raises:
            ClassMismatchError: Naming the setting and both lists.
        """
        sources = _sources(runner.train_dataloader.dataset, 'train_dataloader')
        if isinstance(runner.val_loop, BaseLoop):
            sources += _sources(runner.val_dataloader.dataset, 'val_dataloader')
        _check(runner, sources)

    def before_val(self, runner: Runner) -> None:
        """Check model and validation data; see :meth:`before_train`."""
        if not isinstance(runner._train_loop, BaseLoop):
            _check(runner, _sources(runner.val_dataloader.dataset, 'val_dataloader'))

    def before_test(self, runner: Runner) -> None:
        """Check model and test data; see :meth:`before_train`."""
        _check(runner, _sources(runner.test_dataloader.dataset, 'test_dataloader'))

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check the classes that a checkpoint was trained with.

        A training that starts from a checkpoint may have other classes.

        Raises:
            ClassMismatchError: In testing, validation and resuming.
        """
        classes = saved_dataset_meta(checkpoint).get('classes')
        if not classes:
            return
        if isinstance(runner._train_loop, BaseLoop):
            if not runner._resume:
                return
            dataset, name = runner.train_dataloader.dataset, 'train_dataloader'
        elif isinstance(runner._test_loop, BaseLoop):
            dataset, name = runner.test_dataloader.dataset, 'test_dataloader'
        else:
            dataset, name = runner.val_dataloader.dataset, 'val_dataloader'
        trained = _Source(f'the checkpoint {runner._load_from}', tuple(classes))
        for source in _sources(dataset, name):
            _compare(trained, source)


def _sources(dataset: Dataset, name: str) -> list[_Source]:
    """Classes of each data set beneath its wrappers."""
    parts = getattr(dataset, 'datasets', None)
    if parts is None and hasattr(dataset, 'dataset'):
        parts = [dataset.dataset]
    if parts is not None:
        return [source for part in parts for source in _sources(part, name)]
    classes = getattr(dataset, 'metainfo', {}).get('classes')
    if classes is None:
        return []
    file = getattr(dataset, 'ann_file', type(dataset).__name__)
    return [_Source(f'{name}, {file}', tuple(classes))]


def _check(runner: Runner, sources: Sequence[_Source]) -> None:
    if not sources:
        return
    for other in sources[1:]:
        _compare(sources[0], other)
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    name, classes = sources[0]
    for key, number in _numbers_of_classes(model):
        if number != len(classes):
            raise ClassMismatchError(
                f'{key} is {number}, the data has {len(classes)} classes '
                f'({name}): {_listed(classes)}. Set {key}={len(classes)}, or choose '
                'classes with metainfo=dict(classes=(...)) in every data set.'
            )


def _compare(first: _Source, second: _Source) -> None:
    if first.classes == second.classes:
        return
    what = 'the same classes in another order'
    if set(first.classes) != set(second.classes):
        what = 'other classes'
    raise ClassMismatchError(
        f'{second.name} has {what} than {first.name}: {_listed(second.classes)} '
        f'instead of {_listed(first.classes)}. Set the same '
        'metainfo=dict(classes=(...)) in every data set.'
    )


def _numbers_of_classes(model: nn.Module) -> Iterator[tuple[str, int]]:
    """Setting and number of classes of each head."""
    for name, module in model.named_modules():
        if isinstance(module, RPNHead) or 'Head' not in type(module).__name__:
            continue
        for key in ('num_things_classes', 'num_classes'):
            number = getattr(module, key, None)
            if isinstance(number, int):
                yield f'model.{name}.{key}', number
                break


def _listed(classes: Sequence[str]) -> str:
    shown = ', '.join(map(str, classes[:12]))
    return f'({shown}, ...)' if len(classes) > 12 else f'({shown})'
