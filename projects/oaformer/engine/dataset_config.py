"""Looking into the config of a data set."""

from collections.abc import Iterator

from mmdet.registry import DATASETS
from mmengine.config import Config, ConfigDict
from mmengine.fileio import join_path, list_from_file
from mmengine.utils import is_abs
from torch.utils.data import Dataset

from ..datasets.annotation_file import (
    CLASS_AGNOSTIC,
    AnnotationFile,
    read_annotation_file,
)


def innermost_dataset(cfg: ConfigDict) -> ConfigDict:
    """Config of a data set without its wrappers; the first of a ConcatDataset."""
    return [*innermost_datasets(cfg)][0]


def innermost_datasets(cfg: ConfigDict) -> Iterator[ConfigDict]:
    """Configs of the data sets beneath the wrappers of one."""
    if 'dataset' in cfg:
        yield from innermost_datasets(cfg['dataset'])
    elif 'datasets' in cfg:
        for each in cfg['datasets']:
            yield from innermost_datasets(each)
    else:
        yield cfg


def read_annotations_of(cfg: ConfigDict) -> AnnotationFile:
    """Read the annotation file of a data set's config, which has no wrappers.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it is not valid.
    """
    ann_file = cfg.get('ann_file', '')
    if not is_abs(ann_file):
        ann_file = join_path(cfg.get('data_root') or '', ann_file)
    return read_annotation_file(
        ann_file, cfg.get('backend_args'), cfg.get('class_agnostic', False)
    )


def wrapped_datasets(dataset: Dataset) -> list[Dataset] | None:
    """Data sets directly beneath a wrapper; None for one that is not a wrapper."""
    if hasattr(dataset, 'dataset'):
        return [dataset.dataset]
    return getattr(dataset, 'datasets', None)


def inner_datasets(dataset: Dataset) -> Iterator[Dataset]:
    """Data sets beneath the wrappers of one."""
    parts = wrapped_datasets(dataset)
    if parts is None:
        yield dataset
    else:
        for part in parts:
            yield from inner_datasets(part)


def dataset_classes(
    cfg: Config | ConfigDict,
    open_files: bool = True,
    dataloader: str = 'test_dataloader',
) -> tuple[str, ...]:
    """Class names of a config's data set, without building it.

    Neither images nor, where ``metainfo`` or the data set's type names the classes,
    the annotation file need to exist.

    Args:
        cfg: The config.
        open_files: Whether to read the annotation file, or the file that
            ``metainfo.classes`` names, if nothing else names the classes.
        dataloader: Whose data set counts.

    Returns:
        The names in the order of the labels; empty if unknown.

    Raises:
        FileNotFoundError: If a file has to be read and is missing.
        ValueError: If the annotation file is not valid.
    """
    dataset = innermost_dataset(cfg.get(dataloader, {}).get('dataset', {}))
    classes = dataset.get('metainfo', {}).get('classes')
    if classes is None and dataset.get('class_agnostic'):
        classes = CLASS_AGNOSTIC
    if classes is None:
        kind = dataset.get('type')
        name = getattr(kind, '__name__', str(kind)).rpartition('.')[2]
        # not DATASETS.get, which imports a module of an unknown name
        known = DATASETS.module_dict.get(name)
        classes = getattr(known, 'METAINFO', {}).get('classes')
    if classes is not None and not isinstance(classes, str):
        return tuple(classes)
    if not open_files:
        return ()
    if classes is not None:
        # such a file may end in blank lines
        return tuple(name for name in list_from_file(classes) if name)
    return tuple(read_annotations_of(dataset).category_ids)
