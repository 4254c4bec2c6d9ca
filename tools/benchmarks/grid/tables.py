"""Results as Markdown: means over seeds, and differences paired by seed."""

import statistics
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .grid_file import Column, Effect, Row, Run, Table

# The records of a run by seed.
SeedRecords = Mapping[int, dict]

WIDTH = 100
MISSING = '-'


def values_of(records: SeedRecords, column: Column) -> dict[int, float]:
    """Pick a column's values.

    Args:
        records (SeedRecords): The records of a run.
        column (Column): The column.

    Returns:
        dict[int, float]: The scaled value of each seed that has one.
    """
    values = {}
    for seed, record in records.items():
        value = record['test'].get(column.key)
        if column.key == 'train_minutes':
            value = record.get('train_minutes')
        if value is not None:
            values[seed] = column.scale * value
    return values


def paired_differences(
    records: SeedRecords, base: SeedRecords, column: Column
) -> list[float]:
    """Subtract a run's values from another's, seed by seed.

    Args:
        records (SeedRecords): The records of a run.
        base (SeedRecords): The records of the run to subtract.
        column (Column): The column.

    Returns:
        list[float]: The differences of the seeds that both have.
    """
    ours, theirs = values_of(records, column), values_of(base, column)
    return [ours[seed] - theirs[seed] for seed in ours if seed in theirs]


def format_values(values: Sequence[float], digits: int, sign: str = '') -> str:
    """Write a mean, with the sample standard deviation if there are two or more.

    Args:
        values (Sequence[float]): The values.
        digits (int): Digits after the point.
        sign (str): '+' to write that sign, too.

    Returns:
        str: Such as '44.9 ± 0.6', '44.9' for a single value, '-' without any.
    """
    if not values:
        return MISSING
    text = f'{statistics.fmean(values):{sign}.{digits}f}'
    if len(values) > 1:
        text += f' ± {statistics.stdev(values):.{digits}f}'
    return text


def render_table(
    table: Table, runs: Mapping[str, Run], results: Mapping[str, SeedRecords]
) -> str:
    """Write a table with what there is so far.

    Args:
        table (Table): The table.
        runs (Mapping[str, Run]): The grid's runs by name.
        results (Mapping[str, SeedRecords]): Their records by name and seed.

    Returns:
        str: Markdown: title, table, differences, and what it was measured on.
    """
    blocks = [textwrap.fill(f'**{table.title}** {table.note}'.strip(), WIDTH)]
    blocks.append(
        _lay_out(
            table,
            table.rows,
            lambda row, column: _mean_cell(row, column, results),
            ['seeds', *(_seeds_cell(row, runs, results) for row in table.rows)],
        )
    )
    if table.effects:
        blocks.append('Differences, paired by seed:')
        blocks.append(
            _lay_out(
                table,
                table.effects,
                lambda effect, column: _difference_cell(effect, column, results),
                ['seeds', *(_pairs_cell(each, results) for each in table.effects)],
            )
        )
    blocks.append(textwrap.fill(_state(table, runs, results), WIDTH))
    return '\n\n'.join(blocks)


def _lay_out(
    table: Table,
    items: Sequence[Row] | Sequence[Effect],
    cell: Callable[[Any, Column], str],
    last_column: Sequence[str],
) -> str:
    """Lay out rows or effects: name, columns, the paper's columns, one more."""
    printed = [
        column
        for column in table.columns
        if any(column.name in item.paper for item in items)
    ]
    lines = [
        [
            '',
            *(column.name for column in table.columns),
            *(f'{column.name} (paper)' for column in printed),
            last_column[0],
        ],
        ['---'] * (len(table.columns) + len(printed) + 2),
    ]
    for item, last in zip(items, last_column[1:], strict=True):
        signed = '+' if isinstance(item, Effect) else ''
        papers = [
            format_values([item.paper[c.name]], c.digits, signed)
            if c.name in item.paper
            else MISSING
            for c in printed
        ]
        cells = [cell(item, column) for column in table.columns]
        lines.append([item.name, *cells, *papers, last])
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def _mean_cell(row: Row, column: Column, results: Mapping[str, SeedRecords]) -> str:
    records = results.get(row.run, {})
    values = list(values_of(records, column).values())
    return _with_count(format_values(values, column.digits), len(values), len(records))


def _difference_cell(
    effect: Effect, column: Column, results: Mapping[str, SeedRecords]
) -> str:
    run, base = results.get(effect.run, {}), results.get(effect.base, {})
    values = paired_differences(run, base, column)
    text = format_values(values, column.digits, '+')
    return _with_count(text, len(values), len(run.keys() & base.keys()))


def _with_count(text: str, number: int, of: int) -> str:
    """Say so where not all of the seeds have a value."""
    return f'{text} ({number} of {of})' if 0 < number < of else text


def _seeds_cell(
    row: Row, runs: Mapping[str, Run], results: Mapping[str, SeedRecords]
) -> str:
    return _count(len(results.get(row.run, {})), len(runs[row.run].seeds))


def _pairs_cell(effect: Effect, results: Mapping[str, SeedRecords]) -> str:
    pairs = results.get(effect.run, {}).keys() & results.get(effect.base, {}).keys()
    return _count(len(pairs), len(pairs))


def _count(number: int, planned: int) -> str:
    if number < planned:
        return f'{number} of {planned}'
    return '1 seed' if number == 1 else str(number)


def _state(
    table: Table, runs: Mapping[str, Run], results: Mapping[str, SeedRecords]
) -> str:
    names = dict.fromkeys(
        [row.run for row in table.rows]
        + [name for effect in table.effects for name in (effect.run, effect.base)]
    )
    records = [record for name in names for record in results.get(name, {}).values()]
    planned = sum(len(runs[name].seeds) for name in names)
    sentences = [f'{len(records)} of {planned} runs are in.']
    if records:
        sentences.append(
            'Means over seeds ± sample standard deviation; "1 seed" is a single run.'
        )
    if table.paper_data:
        sentences.append(f"(paper): the paper's own numbers, on {table.paper_data}.")
    sentences += _measured_on(records)
    return ' '.join(sentences)


def _measured_on(records: Sequence[dict]) -> list[str]:
    """Say on how many images, for how long, on what and with which versions."""
    sentences = []
    images = sorted({r['test_images'] for r in records if 'test_images' in r})
    if images:
        sentences.append(f'Tested on {" or ".join(map(str, images))} images.')
    minutes = [r['train_minutes'] for r in records if 'train_minutes' in r]
    if minutes:
        sentences.append(f'Training took {sum(minutes):.0f} minutes in all.')
    machines: dict[str, int] = {}
    for record in records:
        machine = _machine(record['environment'])
        machines[machine] = machines.get(machine, 0) + 1
    for machine, number in machines.items():
        count = f'{number} run{"s" if number > 1 else ""}'
        runs = f' ({count})' if len(machines) > 1 else ''
        sentences.append(f'{machine}{runs}.')
    return sentences


def _machine(environment: Mapping) -> str:
    """Describe machine and versions in one line."""
    device = environment.get('gpu') or (
        f'{environment["cpu"]}, {environment["cores"]} cores, threads of a run: '
        f'{environment["threads"]}, runs at a time: {environment["jobs"]}'
    )
    return (
        f'{device}; torch {environment["torch"]}, MMDetection {environment["mmdet"]}, '
        f'Python {environment["python"]}'
    )
