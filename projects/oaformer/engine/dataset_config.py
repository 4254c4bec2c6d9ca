"""Looking into the config of a data set."""

from collections.abc import Iterator

from mmdet.registry import DATASETS
from mmengine.config import Config, ConfigDict
from mmengine.fileio import join_path, list_from_file
from mmengine.utils import is_abs
from torch.utils.data import Dataset

from ..datasets.annotation_file import CLASS_AGNOSTIC, read_annotation_file


def innermost_dataset(cfg: ConfigDict) -> ConfigDict:
    """Config of a data set without its wrappers; the first of a ConcatDataset."""
    while 'dataset' in cfg or 'datasets' in cfg:
        cfg = cfg['dataset'] if 'dataset' in cfg else cfg['datasets'][0]
    return cfg


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
    cfg: Config | ConfigDict, open_files: bool = True
) -> tuple[str, ...]:
    """Class names of a config's test data set, without building it.

    Neither images nor, where ``metainfo`` or the data set's type names the classes,
    the annotation file need to exist.

    Args:
        cfg: The config; ``test_dataloader`` counts.
        open_files: Whether to read the annotation file, or the file that
            ``metainfo.classes`` names, if nothing else names the classes.

    Returns:
        The names in the order of the labels; empty if unknown.

    Raises:
        FileNotFoundError: If a file has to be read and is missing.
        ValueError: If the annotation file is not valid.
    """
    dataset = innermost_dataset(cfg.get('test_dataloader', {}).get('dataset', {}))
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
    ann_file = dataset.get('ann_file', '')
    if not is_abs(ann_file):
        ann_file = join_path(dataset.get('data_root') or '', ann_file)
    return tuple(
        read_annotation_file(ann_file, dataset.get('backend_args')).category_ids
    )
