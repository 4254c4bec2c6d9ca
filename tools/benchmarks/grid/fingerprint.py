"""What makes two results the same: config and annotations, not names and folders."""

import functools
import hashlib
import json
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

from mmengine.config import Config

from oaformer.engine.launch.paths import DATA_SECTIONS, find_config, resolve_data_paths

from .grid_file import GridError

# Not: names, work dir, logging, checkpoints, visualizer, seed.
SECTIONS = (
    'model',
    *DATA_SECTIONS,
    'optim_wrapper',
    'param_scheduler',
    'train_cfg',
    'val_cfg',
    'test_cfg',
    'custom_hooks',
    'load_from',
)
# Without these, what was trained.
TEST_SECTIONS = frozenset({'test_dataloader', 'test_evaluator', 'test_cfg'})


def load_config(path: str | Path, repo_root: Path) -> Config:
    """Read a config, or what MMEngine dumped of one, without importing what it names.

    Args:
        path (str | Path): Its path, from the working folder or the repository.
        repo_root (Path): The repository's folder.

    Returns:
        Config: The config; data paths point to where the data is.

    Raises:
        GridError: If there is no such config.
    """
    try:
        cfg = Config.fromfile(find_config(path, repo_root), import_custom_modules=False)
    except FileNotFoundError as error:
        raise GridError(str(error)) from error
    for section in DATA_SECTIONS:
        if cfg.get(section) is not None:
            cfg[section] = resolve_data_paths(cfg[section], Path.cwd(), repo_root)
    return cfg


def section_digests(cfg: Config, repo_root: Path) -> dict[str, str]:
    """Hash each section of a config that decides on a result.

    Annotation files count by their content, wherever they are; images by the name
    of their folder.

    Args:
        cfg (Config): The config, from :func:`load_config`.
        repo_root (Path): The repository's folder.

    Returns:
        dict[str, str]: SHA-256 of each section that the config has.

    Raises:
        GridError: If an annotation file is missing.
    """
    return {
        section: _digest(_identity(cfg[section], repo_root))
        for section in SECTIONS
        if cfg.get(section) is not None
    }


def fingerprint(cfg: Config, repo_root: Path, without: Set[str] = frozenset()) -> str:
    """Hash what was trained and tested.

    Args:
        cfg (Config): The config, from :func:`load_config`.
        repo_root (Path): The repository's folder.
        without (Set[str]): Sections that don't count.

    Returns:
        str: SHA-256 over :func:`section_digests`; with the seed the identity of a
        result.

    Raises:
        GridError: If an annotation file is missing.
    """
    digests = section_digests(cfg, repo_root)
    return _digest({name: digests[name] for name in digests if name not in without})


def changed_sections(one: Config, other: Config, repo_root: Path) -> list[str]:
    """Name the sections in which two configs differ.

    Args:
        one (Config): A config.
        other (Config): Another one.
        repo_root (Path): The repository's folder.

    Returns:
        list[str]: Their names, none if the configs have the same fingerprint.

    Raises:
        GridError: If an annotation file is missing.
    """
    ones, others = (section_digests(cfg, repo_root) for cfg in (one, other))
    return [name for name in SECTIONS if ones.get(name) != others.get(name)]


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _identity(node: Any, repo_root: Path) -> Any:
    if isinstance(node, (list, tuple)):
        return [_identity(item, repo_root) for item in node]
    if not isinstance(node, Mapping):
        return node
    result = {}
    for key, value in node.items():
        if key == 'ann_file' and isinstance(value, str) and value:
            result[key] = _file_digest(Path(node.get('data_root') or '', value))
        elif key == 'data_prefix' and isinstance(value, Mapping):
            result[key] = {
                name: str(path).removeprefix(f'{repo_root}/')
                for name, path in value.items()
            }
        elif key != 'data_root':
            result[key] = _identity(value, repo_root)
    return result


def _file_digest(path: Path) -> str:
    try:
        stat = path.stat()
    except FileNotFoundError as error:
        raise GridError(
            f'There is no annotation file {path}. Make the data set, or link to it, '
            'first.'
        ) from error
    return _content_digest(path, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache
def _content_digest(path: Path, mtime_ns: int, size: int) -> str:
    digest = hashlib.sha256()
    with open(path, 'rb') as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
