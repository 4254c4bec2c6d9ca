"""The grid file: what is trained and tested, and which tables come out of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from mmengine.config import Config

Part = TypeVar('Part')


class GridError(ValueError):
    """A grid file, or a file that it names, can't be used as it is."""


@dataclass(frozen=True)
class Run:
    """A config and the seeds that it is trained with.

    Attributes:
        name (str): Its name in tables and in the work dir.
        config (str): Path of the config, from the working folder or the repository.
        seeds (list[int]): The seeds.
    """

    name: str
    config: str
    seeds: list[int]


@dataclass(frozen=True)
class Column:
    """A column of the tables.

    Attributes:
        name (str): Its heading.
        key (str): The test metric's name, such as 'amodal/segm_mAP', or
            'train_minutes'.
        scale (float): What values are multiplied by.
        digits (int): Digits after the point.
    """

    name: str
    key: str
    scale: float = 1.0
    digits: int = 3


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        name (str): What stands in the first column.
        run (str): Name of the run.
        paper (dict[str, float]): The paper's numbers, by name of the column.
    """

    name: str
    run: str
    paper: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Effect:
    """A difference between two runs, paired by seed.

    Attributes:
        name (str): What stands in the first column.
        run (str): Name of the run with what the effect is of.
        base (str): Name of the run without.
        paper (dict[str, float]): The paper's differences, by name of the column.
    """

    name: str
    run: str
    base: str
    paper: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A table, and the differences that are shown below it.

    Attributes:
        name (str): Its name in the markers of the Markdown file.
        title (str): The line above it.
        columns (list[Column]): The columns.
        rows (list[Row]): The rows.
        effects (list[Effect]): The differences.
        note (str): A sentence on how to read it.
        paper_data (str): What the paper's numbers were measured on.
    """

    name: str
    title: str
    columns: list[Column]
    rows: list[Row]
    effects: list[Effect] = field(default_factory=list)
    note: str = ''
    paper_data: str = ''


@dataclass(frozen=True)
class Grid:
    """Everything that a grid file says.

    Attributes:
        path (Path): The grid file.
        results (Path): The file of the results.
        runs (dict[str, Run]): The runs by name, the most important first.
        tables (list[Table]): The tables.
    """

    path: Path
    results: Path
    runs: dict[str, Run]
    tables: list[Table]


def read_grid(path: str | Path) -> Grid:
    """Read a grid file and check that it is consistent.

    Args:
        path (str | Path): The file, a config with ``results``, ``runs``, ``columns``
            and ``tables``.

    Returns:
        Grid: What it says.

    Raises:
        GridError: If the file is missing, or says something that makes no sense.
    """
    path = Path(path)
    if not path.is_file():
        raise GridError(f'There is no grid file {path}.')
    content = Config.fromfile(path).to_dict()
    known = {'results', 'runs', 'columns', 'tables'}
    odd = {key for key in content if not key.startswith('_')} ^ known
    if odd:
        raise GridError(
            f'{path} must say {", ".join(sorted(known))}; missing or unknown: '
            f'{", ".join(sorted(odd))}.'
        )
    runs = {
        name: _build(Run, {'name': name, **run}, f'{path}: run {name}')
        for name, run in content['runs'].items()
    }
    columns = {
        name: _build(Column, {'name': name, **column}, f'{path}: column {name}')
        for name, column in content['columns'].items()
    }
    tables = [_table(table, columns, path) for table in content['tables']]
    _check(runs, tables, path)
    return Grid(path, Path(content['results']), runs, tables)


def _table(content: dict, columns: dict[str, Column], path: Path) -> Table:
    where = f'{path}: table {content.get("name")}'
    content = dict(content)
    names = content.get('columns', list(columns))
    unknown = [name for name in names if name not in columns]
    if unknown:
        raise GridError(f'{where}: there is no column {", ".join(unknown)}.')
    content['columns'] = [columns[name] for name in names]
    for key, part in (('rows', Row), ('effects', Effect)):
        content[key] = [_build(part, item, where) for item in content.get(key, [])]
    return _build(Table, content, where)


def _build(part: type[Part], content: dict[str, Any], where: str) -> Part:
    try:
        return part(**content)
    except TypeError as error:
        raise GridError(f'{where}: {error}.') from error


def _check(runs: dict[str, Run], tables: list[Table], path: Path) -> None:
    for run in runs.values():
        if not run.seeds or len(set(run.seeds)) < len(run.seeds):
            raise GridError(
                f'{path}: run {run.name} must have seeds, and each once; it has '
                f'{run.seeds}.'
            )
    names = [table.name for table in tables]
    if len(set(names)) < len(names):
        raise GridError(f'{path}: two tables have the same name.')
    for table in tables:
        used = {row.run for row in table.rows}
        used |= {name for effect in table.effects for name in (effect.run, effect.base)}
        _refuse_unknown(used, runs, f'{path}: table {table.name}: there is no run')
        numbers = {key for part in (*table.rows, *table.effects) for key in part.paper}
        _refuse_unknown(
            numbers,
            [column.name for column in table.columns],
            f"{path}: table {table.name}: the paper's numbers name columns that the "
            'table does not have:',
        )


def _refuse_unknown(names: set[str], known: Iterable[str], message: str) -> None:
    unknown = names.difference(known)
    if unknown:
        raise GridError(f'{message} {", ".join(sorted(unknown))}.')
