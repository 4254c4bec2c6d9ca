"""Whether there is something to learn from the data, and room for all of it."""

from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch.utils.data import Dataset

from ..datasets import AmodalCocoDataset
from ..datasets.findings import AnnotationError
from .dataset_config import inner_datasets


@HOOKS.register_module()
class DataCheckHook(Hook):
    """Say before a run what a model can't learn from its data."""

    priority = 'HIGHEST'

    def before_train(self, runner: Runner) -> None:
        """Check the training data.

        Raises:
            AnnotationError: If there is no object to learn.
        """
        datasets = _ours(runner.train_dataloader.dataset)
        if not datasets:
            return
        names = ', '.join(dataset.ann_file for dataset in datasets)
        if not any(dataset.most_objects[0] for dataset in datasets):
            raise AnnotationError(
                f'{names}: nothing to learn, no object of the classes '
                f'{datasets[0].metainfo["classes"]} in any training image (crowds and '
                'ignored objects are not learned). Check metainfo and the file.'
            )
        head = _head(runner)
        if getattr(head, 'odm', None) is not None and not any(
            dataset.num_occluded for dataset in datasets
        ):
            runner.logger.warning(
                f'{names}: no object is occluded, so occlusion rates are learned as 0. '
                'Objects need a visible_mask, invisible_mask or occlude_rate.'
            )
        _check_queries(runner, datasets)

    def before_test(self, runner: Runner) -> None:
        """Check the test data."""
        _check_queries(runner, _ours(runner.test_dataloader.dataset))


def _ours(dataset: Dataset) -> list[AmodalCocoDataset]:
    return [
        each for each in inner_datasets(dataset) if isinstance(each, AmodalCocoDataset)
    ]


def _head(runner: Runner) -> object:
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    return getattr(model, 'panoptic_head', None)


def _check_queries(runner: Runner, datasets: list[AmodalCocoDataset]) -> None:
    number = getattr(_head(runner), 'num_queries', None)
    for dataset in datasets:
        most, image_id = dataset.most_objects
        if number is not None and most > number:
            runner.logger.warning(
                f'{dataset.ann_file}: image {image_id} has {most} objects, the model '
                f'{number} queries: the others can be neither learned nor found. Set '
                f'model.panoptic_head.num_queries={most} or more.'
            )
