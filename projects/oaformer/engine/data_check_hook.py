"""Whether there is something to learn from the data, and room for all of it."""

from collections.abc import Sequence

from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from torch.utils.data import Dataset

from ..datasets import AmodalCocoDataset, AmodalCopyPaste
from ..datasets.amodal_coco import name_some
from ..datasets.findings import AnnotationError
from .checkpoint_fit import unwrapped_model
from .dataset_config import inner_datasets, wrapped_datasets


@HOOKS.register_module()
class DataCheckHook(Hook):
    """Say before a run what a model can't learn from its data, or can't find in it."""

    priority = 'HIGHEST'

    def before_train(self, runner: Runner) -> None:
        """Check training and validation data.

        Raises:
            AnnotationError: If there is no object to learn, or no visible masks for
                a model that needs them.
        """
        dataset = runner.train_dataloader.dataset
        if datasets := _ours(dataset):
            _check_objects(runner, datasets, has_pasted=_pastes(dataset))
            _check_room(runner, datasets, in_training=True)
        if isinstance(runner.val_loop, BaseLoop):
            _check_room(runner, _ours(runner.val_dataloader.dataset))

    def before_val(self, runner: Runner) -> None:
        """Check validation data that no training has checked."""
        if not isinstance(runner._train_loop, BaseLoop):
            _check_room(runner, _ours(runner.val_dataloader.dataset))

    def before_test(self, runner: Runner) -> None:
        """Check the test data."""
        _check_room(runner, _ours(runner.test_dataloader.dataset))


def _ours(dataset: Dataset) -> list[AmodalCocoDataset]:
    datasets = [
        each for each in inner_datasets(dataset) if isinstance(each, AmodalCocoDataset)
    ]
    for each in datasets:
        each.full_init()
    return datasets


def _pastes(dataset: Dataset) -> bool:
    """Whether a wrapper's transforms occlude objects that are not so in the files."""
    parts = wrapped_datasets(dataset)
    if parts is None:
        return False
    steps = getattr(dataset, 'pipeline', [])
    return any(isinstance(step, AmodalCopyPaste) for step in steps) or any(
        map(_pastes, parts)
    )


def _files(datasets: Sequence[AmodalCocoDataset]) -> str:
    return name_some([dataset.ann_file for dataset in datasets])


def _check_objects(
    runner: Runner, datasets: Sequence[AmodalCocoDataset], has_pasted: bool
) -> None:
    number = sum(sum(dataset.num_objects.values()) for dataset in datasets)
    if not number:
        images = sum(len(dataset.num_objects) for dataset in datasets)
        raise AnnotationError(
            f'{_files(datasets)}: nothing to learn, none of {images} training images '
            'has an object of the classes '
            f'{name_some(datasets[0].metainfo["classes"])} (crowds and ignored objects '
            'are not learned). Check metainfo and the file.'
        )
    if has_pasted or any(dataset.num_occluded for dataset in datasets):
        return
    model = unwrapped_model(runner)
    mask_head = getattr(getattr(model, 'roi_head', None), 'mask_head', None)
    if len(getattr(mask_head, 'branches', ())) > 1:
        raise AnnotationError(
            f'{_files(datasets)}: none of {number} objects is occluded, and '
            f'{type(mask_head).__name__} learns {name_some(mask_head.branches)} masks. '
            'Objects need a visible_mask or invisible_mask.'
        )
    if getattr(getattr(model, 'panoptic_head', None), 'odm', None) is not None:
        runner.logger.warning(
            f'{_files(datasets)}: none of {number} objects is occluded, so occlusion '
            'rates are learned as 0. Objects need a visible_mask, invisible_mask or '
            'occlude_rate; without them, set model.panoptic_head.odm=None.'
        )


def _check_room(
    runner: Runner, datasets: Sequence[AmodalCocoDataset], in_training: bool = False
) -> None:
    """Whether a model has a place for every object of an image."""
    model = unwrapped_model(runner)
    head = getattr(model, 'panoptic_head', None)
    limits = {'model.panoptic_head.num_queries': getattr(head, 'num_queries', None)}
    if not in_training and hasattr(model, 'panoptic_fusion_head'):
        number = (model.test_cfg or {}).get('max_per_image', 100)
        limits['model.test_cfg.max_per_image'] = number
    counts = [
        (count, image_id, dataset.ann_file)
        for dataset in datasets
        for image_id, count in dataset.num_objects.items()
    ]
    for setting, number in limits.items():
        over = [each for each in counts if number is not None and each[0] > number]
        if over:
            most, image_id, file = max(over, key=lambda each: each[0])
            runner.logger.warning(
                f'{file}: image {image_id} has {most} objects, and {len(over)} of '
                f'{len(counts)} images have more than {setting}={number}: the others '
                f'can not be {"learned" if in_training else "found"}. Set it to {most} '
                'or more.'
            )
