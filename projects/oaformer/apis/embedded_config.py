"""Reading a config that comes with weights as data, never as a program."""

import ast
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config


def parse_config(text: str, source: str) -> Config:
    """Read the text that ``Config.pretty_text`` writes.

    MMEngine runs such a text as Python, and its registries import whatever a ``type``
    with dots in it names. Both would let a file of weights run any code. Here the
    text may hold plain values only, and types only names that are registered.

    Args:
        text: Assignments of plain values, as in a config without ``_base_``.
        source: Where it comes from, for messages.

    Returns:
        The config.

    Raises:
        ValueError: If the text holds anything but plain values, or a type with dots.
    """
    try:
        values = {}
        for node in ast.parse(text).body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    values[name] = _literal(value)
                case _:
                    raise ValueError(f'line {node.lineno} is no assignment')
        _check_types(values)
        return Config(values)
    except (SyntaxError, ValueError, KeyError) as error:
        raise ValueError(
            f'the config inside {source} was not used: only plain values are read from '
            f'it ({error}). Name the config file, too, if you trust it.'
        ) from error


def _literal(node: ast.expr) -> Any:
    """Value of an expression of constants, lists, tuples, dicts and ``dict(...)``."""
    match node:
        case ast.List(elts=items):
            return [_literal(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_literal(item) for item in items)
        case ast.Dict(keys=keys, values=values) if None not in keys:
            pairs = zip(keys, values, strict=True)
            return {_literal(key): _literal(value) for key, value in pairs}
        case ast.Call(func=ast.Name(id='dict'), args=[], keywords=keywords) if all(
            keyword.arg is not None for keyword in keywords
        ):
            return {keyword.arg: _literal(keyword.value) for keyword in keywords}
    try:
        return ast.literal_eval(node)
    except ValueError:
        text = ast.unparse(node)[:60]
        raise ValueError(f'line {node.lineno} has "{text}"') from None


def _check_types(node: Any) -> None:
    if isinstance(node, Mapping):
        name = node.get('type')
        if isinstance(name, str) and '.' in name:
            raise ValueError(f'the type "{name}" would be imported')
        node = node.values()
    elif not isinstance(node, (list, tuple)):
        return
    for item in node:
        _check_types(item)
