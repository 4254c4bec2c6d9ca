"""A label is one class in the model, in every data set and in the checkpoint."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mmdet.models.dense_heads import RPNHead
from mmdet.models.roi_heads.mask_heads import FusedSemanticHead
from mmdet.registry import HOOKS
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from torch import nn
from torch.utils.data import Dataset

from .checkpoint_fit import saved_dataset_meta, unwrapped_model
from .dataset_config import inner_datasets


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
            _check_metrics(runner.val_dataloader.dataset, runner.val_evaluator)
        _check(runner, sources)

    def before_val(self, runner: Runner) -> None:
        """Check model and validation data; see :meth:`before_train`."""
        if not isinstance(runner._train_loop, BaseLoop):
            _check(runner, _sources(runner.val_dataloader.dataset, 'val_dataloader'))
            _check_metrics(runner.val_dataloader.dataset, runner.val_evaluator)

    def before_test(self, runner: Runner) -> None:
        """Check model and test data; see :meth:`before_train`."""
        _check(runner, _sources(runner.test_dataloader.dataset, 'test_dataloader'))
        _check_metrics(runner.test_dataloader.dataset, runner.test_evaluator)

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
            dataset, name = runner.train_dataloader.dataset, 'train_dataloader'
            if not runner._resume:
                _log_other_classes(runner, tuple(classes), _sources(dataset, name))
                return
        elif isinstance(runner._test_loop, BaseLoop):
            dataset, name = runner.test_dataloader.dataset, 'test_dataloader'
        else:
            dataset, name = runner.val_dataloader.dataset, 'val_dataloader'
        trained = _Source(f'the checkpoint {runner._load_from}', tuple(classes))
        for source in _sources(dataset, name):
            _compare(trained, source)


def _sources(dataset: Dataset, name: str) -> list[_Source]:
    """Classes of each data set beneath its wrappers."""
    sources = []
    for part in inner_datasets(dataset):
        classes = getattr(part, 'metainfo', {}).get('classes')
        if classes is not None:
            file = getattr(part, 'ann_file', type(part).__name__)
            sources.append(_Source(f'{name}, {file}', tuple(classes)))
    return sources


def _check(runner: Runner, sources: Sequence[_Source]) -> None:
    if not sources:
        return
    for other in sources[1:]:
        _compare(sources[0], other)
    model = unwrapped_model(runner)
    name, classes = sources[0]
    _check_heads(model)
    for part, known in model.named_modules():
        names = getattr(known, 'class_names', None)
        if names is not None:
            _compare(_Source(f'model.{part} ({known.file})', tuple(names)), sources[0])
    for key, number in _numbers_of_classes(model):
        if number != len(classes):
            raise ClassMismatchError(
                f'{key} is {number}, the data has {len(classes)} classes '
                f'({name}): {_listed(classes)}. Set {key}={len(classes)}, or choose '
                'classes with metainfo=dict(classes=(...)) in every data set.'
                f'{_unused(runner, classes)}'
            )


def _check_metrics(dataset: Dataset, evaluator: Evaluator) -> None:
    """Each metric's annotation file knows the classes of the data."""
    for metric in evaluator.metrics:
        truth = getattr(metric, 'ground_truth', None)
        for name, classes in [] if truth is None else _sources(dataset, 'the data'):
            try:
                truth.categories(classes)
            except ValueError as error:
                raise ClassMismatchError(
                    f'{type(metric).__name__}: {error} The data is {name}. Set '
                    'ann_file and class_agnostic of the evaluator to those of the data.'
                ) from error


def _log_other_classes(
    runner: Runner, trained: Sequence[str], sources: Sequence[_Source]
) -> None:
    for source in sources[:1]:
        if source.classes != trained:
            runner.logger.warning(
                f'{runner._load_from} was trained with the classes '
                f'{_listed(trained)}, this training has {_listed(source.classes)}: '
                'the class head has to learn them anew.'
            )


def _check_heads(model: nn.Module) -> None:
    """No stuff, and one class weight per class and for the background."""
    for name, module in model.named_modules():
        number = getattr(module, 'num_things_classes', None)
        if not isinstance(number, int):
            continue
        if getattr(module, 'num_stuff_classes', 0):
            raise ClassMismatchError(
                f'model.{name}.num_stuff_classes is {module.num_stuff_classes}: there '
                'are no amodal masks of stuff. Set it to 0.'
            )
        weights = getattr(module, 'class_weight', None)
        if isinstance(weights, (list, tuple)) and len(weights) != number + 1:
            raise ClassMismatchError(
                f'model.{name}.loss_cls.class_weight has {len(weights)} numbers for '
                f'{number} classes: write {number + 1}, the last for the background.'
            )


def _unused(runner: Runner, classes: Sequence[str]) -> str:
    """A hint at classes without an object, as the root category of some exports."""
    loop = runner._train_loop
    loader = runner.train_dataloader if isinstance(loop, BaseLoop) else None
    if not hasattr(getattr(loader, 'dataset', None), 'get_cat_ids'):
        return ''
    dataset = loader.dataset
    used = {label for i in range(len(dataset)) for label in dataset.get_cat_ids(i)}
    names = [name for label, name in enumerate(classes) if label not in used]
    if not names or not used:
        return ''
    return f' Without an object, and perhaps to be left out there: {_listed(names)}.'


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
        # their classes are not those of the data
        if isinstance(module, (RPNHead, FusedSemanticHead)):
            continue
        if 'Head' not in type(module).__name__:
            continue
        for key in ('num_things_classes', 'num_classes'):
            number = getattr(module, key, None)
            if isinstance(number, int):
                yield f'model.{name}.{key}', number
                break


def _listed(classes: Sequence[str]) -> str:
    shown = ', '.join(map(str, classes[:12]))
    return f'({shown}, ...)' if len(classes) > 12 else f'({shown})'
