"""Reading a config and changing it, with errors that name the place."""

import copy
import inspect
import traceback
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from .faults import UsageError, changed_numbers, own_words


def read_config(path: Path) -> Config:
    """Read a config and import what it names.

    Raises:
        UsageError: If it can't be read. An error of a module that it imports is raised
            as it is.
    """
    try:
        return Config.fromfile(path)
    except Exception as error:
        frames = list(traceback.walk_tb(error.__traceback__))
        # the config and its _base_ as far as they were read, and the modules it ran
        files = [
            frame.f_locals['filename']
            for frame, _ in frames
            if frame.f_code.co_name == '_file2dict'
        ]
        modules = [
            (frame.f_code.co_filename, line)
            for frame, line in frames
            if frame.f_code.co_name == '<module>'
        ]
        where = ''
        if modules and modules[-1][0] in files:
            where = f' (line {modules[-1][1]} of {modules[-1][0]})'
        elif files and Path(files[-1]) != path.absolute():
            where = f' (in {files[-1]})'
        if isinstance(error, ImportError):
            # MMEngine says which module, the first error why
            while error.__context__ is not None:
                error = error.__context__
            words = f'{own_words(error)}. Install it, or set PYTHONPATH to its folder'
        elif modules and modules[-1][0] not in files:
            raise
        elif isinstance(error, RecursionError):
            words = 'its _base_ leads back to itself'
        elif isinstance(error, (OSError, SyntaxError)):
            words = own_words(error)
        else:
            words = f'{type(error).__name__}: {own_words(error)}'
        raise UsageError(f'{path}: {words}{where}') from error


def change_config(cfg: Config, options: Mapping[str, Any]) -> None:
    """Change settings of a config in place.

    Args:
        cfg: The config.
        options: New values by their keys, such as ``'train_cfg.max_epochs'``.

    Raises:
        UsageError: If the config has no place for a key.
    """
    changed_numbers.clear()
    known = {*cfg, *inspect.signature(Runner).parameters}
    for key, value in options.items():
        first = key.partition('.')[0]
        similar = get_close_matches(first, [*cfg], 1, 0.8)
        if first not in known and similar:
            raise UsageError(
                f'--cfg-options {key}: the config has no {first}; '
                f'is {similar[0]} meant?'
            )
        number = _value_at(cfg, key)
        is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
        if is_number and not isinstance(value, (int, float)):
            changed_numbers[key] = f'the config has the number {number}, not {value!r}'
    try:
        cfg.merge_from_dict(dict(options))
    except Exception as error:
        keys = [key for key in options if not _has_place(cfg, key, options[key])]
        raise UsageError(
            f'--cfg-options {", ".join(keys or options)}: the config has no place for '
            f'that ({own_words(error)})'
        ) from error


def _has_place(cfg: Config, key: str, value: Any) -> bool:
    try:
        copy.deepcopy(cfg).merge_from_dict({key: value})
    except Exception:
        return False
    return True


def _value_at(node: Any, key: str) -> Any:
    """Value of a config at a key with dots; None without one."""
    try:
        for part in key.split('.'):
            node = node[int(part) if isinstance(node, (list, tuple)) else part]
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return node
