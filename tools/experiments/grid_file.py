"""Reads a grid file: runs, columns and tables."""

import runpy
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oaformer.evaluation import evaluate_amodal, measurements
from oaformer.evaluation.ground_truth import AmodalGroundTruth


class GridError(ValueError):
    """A grid file, or a file that it names, can't be used."""


@dataclass(frozen=True)
class Run:
    """A config, the seeds that it is trained with, and options that change it."""

    config: str
    seeds: list[int]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """A metric's name, or 'train_minutes', and how its values are printed."""

    key: str
    scale: float = 1.0
    digits: int = 3


@dataclass(frozen=True)
class Row:
    """A run or, with a base, its difference to the base; the paper's by column."""

    name: str
    run: str
    base: str | None = None
    paper: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """Rows by column; rows with a base are printed below the others."""

    name: str
    title: str
    columns: list[str]
    rows: list[Row]
    note: str = ''
    paper_data: str = ''

    @property
    def runs(self) -> list[str]:
        """Names of all runs that the table needs."""
        names = [name for row in self.rows for name in (row.run, row.base) if name]
        return list(dict.fromkeys(names))


@dataclass(frozen=True)
class Grid:
    """Where results go, the runs in the order of training, columns and tables."""

    results: str
    runs: dict[str, Run]
    columns: dict[str, Column]
    tables: list[Table]


def read_grid(path: str) -> Grid:
    """Read a grid file and check every key and name in it.

    Args:
        path: A Python file that sets ``results``, ``runs``, ``columns`` and ``tables``;
            names with a leading underscore are ignored.

    Raises:
        GridError: If the file is missing, or a key or name in it is unknown.
    """
    if not Path(path).is_file():
        raise GridError(f'Grid file {path} not found.')
    content = {k: v for k, v in runpy.run_path(path).items() if k[0] != '_'}
    grid = _build(Grid, content, path)
    for name, run in grid.runs.items():
        grid.runs[name] = _build(Run, run, f'{path}: run {name}')
    known = metric_names()
    for name, column in grid.columns.items():
        where = f'{path}: column {name}'
        column = grid.columns[name] = _build(Column, column, where)
        # a class can have any name
        if not column.key.endswith('_precision'):
            _check_names([column.key], known, f'{where}: metric')
    for number, table in enumerate(grid.tables):
        where = f'{path}: table {table.get("name", number)}'
        rows = [_build(Row, row, where) for row in table.get('rows', ())]
        table = grid.tables[number] = _build(Table, {**table, 'rows': rows}, where)
        _check_names(table.runs, grid.runs, f'{where}: run')
        _check_names(table.columns, grid.columns, f'{where}: column')
        for row in rows:
            _check_names(row.paper, table.columns, f'{where}: paper column')
    return grid


def metric_names() -> list[str]:
    """All that a column can show, but for ``<class>_precision``."""
    nothing = AmodalGroundTruth('', {}, [], {'object': 1}, has_visible_masks=False)
    names = [item.name for item in measurements(evaluate_amodal(nothing, []))]
    return [*(f'amodal/{name}' for name in names), 'train_minutes']


def _build(kind: type, content: dict[str, Any], where: str) -> Any:
    try:
        return kind(**content)
    except TypeError as error:
        raise GridError(f'{where}: {str(error).rpartition("() ")[2]}.') from None


def _check_names(names: Iterable[str], known: Iterable[str], where: str) -> None:
    for name in names:
        if name not in known:
            raise GridError(f'{where} {name!r} not found among {", ".join(known)}.')
