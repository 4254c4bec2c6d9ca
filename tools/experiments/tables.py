"""Results as Markdown tables."""

import re
import statistics
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from grid_file import Column, Grid, GridError, Row, Table

# The records of the runs by name, then by seed.
Records = Mapping[str, Mapping[int, dict]]
WIDTH = 100
COMPLETE = re.compile(r'\b(\d+) of \1\s+runs\s+are\s+in\b')


def render_table(table: Table, grid: Grid, records: Records) -> str:
    """Write Markdown: title, rows, differences paired by seed, how it was measured."""
    blocks = [textwrap.fill(f'**{table.title}** {table.note}'.strip(), WIDTH)]
    blocks.append(_layout(table, [r for r in table.rows if not r.base], grid, records))
    effects = [row for row in table.rows if row.base]
    if effects:
        blocks.append('Differences, paired by seed:')
        blocks.append(_layout(table, effects, grid, records))
    found = [each for name in table.runs for each in records.get(name, {}).values()]
    planned = sum(len(grid.runs[name].seeds) for name in table.runs)
    sentences = [f'{len(found)} of {planned} runs are in.']
    if table.paper_data:
        sentences.append(f"(paper): the paper's own numbers, on {table.paper_data}.")
    if found:
        minutes = sum(record['train_minutes'] for record in found)
        sentences += [
            'Means over seeds ± sample standard deviation; "1 seed" is a single run.',
            f'Training took {minutes:.0f} minutes in all.',
            *dict.fromkeys(f'{record["made_with"]}.' for record in found),
        ]
    return '\n\n'.join([*blocks, textwrap.fill(' '.join(sentences), WIDTH)])


def replace_tables(path: Path, tables: Mapping[str, str]) -> str:
    """Replace the tables between the markers of a Markdown file.

    A table with all of its runs is only replaced by one with all of its runs.

    Args:
        path: The file; each table is between ``<!-- grid:NAME begin -->`` and
            ``<!-- grid:NAME end -->``. It is not written.
        tables: The tables by name.

    Returns:
        The new content.

    Raises:
        GridError: If the file or a marker is missing, or a marker is there twice.
    """
    if not path.is_file():
        raise GridError(f'Markdown file {path} not found.')
    text = path.read_text()
    for name, table in tables.items():
        begin, end = (f'<!-- grid:{name} {side} -->' for side in ('begin', 'end'))
        head, _, rest = text.partition(begin)
        old, _, tail = rest.partition(end)
        if text.count(begin) != 1 or text.count(end) != 1 or end not in rest:
            raise GridError(f'{path} must have the lines {begin} and {end}, each once.')
        if COMPLETE.search(table) or not COMPLETE.search(old):
            text = f'{head}{begin}\n{table}\n{end}{tail}'
    return text


def format_values(values: Sequence[float], digits: int, sign: str = '') -> str:
    """Such as '44.9 ± 0.6' (sample standard deviation), '44.9' for one value, '-'."""
    if not values:
        return '-'
    # + 0.0: no negative zero
    text = f'{round(statistics.fmean(values), digits) + 0.0:{sign}.{digits}f}'
    if len(values) > 1:
        text += f' ± {statistics.stdev(values):.{digits}f}'
    return text


def _layout(table: Table, rows: Sequence[Row], grid: Grid, records: Records) -> str:
    printed = [name for name in table.columns if any(name in r.paper for r in rows)]
    head = ['', *table.columns, *(f'{name} (paper)' for name in printed), 'seeds']
    lines = [head, ['---'] * len(head)]
    for row in rows:
        sign = '+' if row.base else ''
        seeds = set(records.get(row.run, {}))
        if row.base:
            seeds &= set(records.get(row.base, {}))
        planned = len(seeds) if row.base else len(grid.runs[row.run].seeds)
        cells = [row.name]
        for name in table.columns:
            column = grid.columns[name]
            values = _values(row, column, records)
            cells.append(format_values(values, column.digits, sign))
            if 0 < len(values) < len(seeds):
                cells[-1] += f' ({len(values)} of {len(seeds)})'
        for name in printed:
            values = [row.paper[name]] if name in row.paper else []
            cells.append(format_values(values, grid.columns[name].digits, sign))
        count = '1 seed' if len(seeds) == 1 else str(len(seeds))
        cells.append(f'{len(seeds)} of {planned}' if len(seeds) < planned else count)
        lines.append(cells)
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def _values(row: Row, column: Column, records: Records) -> list[float]:
    """The column's values, or differences, of the seeds that have them."""

    def by_seed(run: str) -> dict[int, float]:
        # train_minutes is beside the metrics
        found = {s: {**r, **r['test']} for s, r in records.get(run, {}).items()}
        return {
            seed: column.scale * values[column.key]
            for seed, values in found.items()
            if column.key in values
        }

    ours = by_seed(row.run)
    if row.base is None:
        return list(ours.values())
    base = by_seed(row.base)
    return [ours[seed] - base[seed] for seed in ours if seed in base]
