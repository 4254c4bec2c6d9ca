"""Putting tables between the markers of a Markdown file."""

from collections.abc import Mapping
from pathlib import Path

from .files import write_whole
from .grid_file import GridError


def markers(name: str) -> tuple[str, str]:
    """Build the lines between which a table stands.

    Args:
        name (str): The table's name.

    Returns:
        tuple[str, str]: The first and the last line.
    """
    return f'<!-- grid:{name} begin -->', f'<!-- grid:{name} end -->'


def check_markers(path: Path, names: list[str]) -> None:
    """Make sure that a file has a place for each table.

    Args:
        path (Path): The Markdown file.
        names (list[str]): The tables' names.

    Raises:
        GridError: If there is no such file, or a table has not just one place in it.
    """
    if not path.is_file():
        raise GridError(
            f'There is no {path} to put tables into. Make it, with the two lines '
            f'{" and ".join(markers(names[0]))} where the table is to stand.'
        )
    text = path.read_text()
    for name in names:
        begin, end = markers(name)
        in_order = text.find(begin) < text.find(end)
        if text.count(begin) != 1 or text.count(end) != 1 or not in_order:
            raise GridError(
                f'{path} must have the line {begin} once and after it, once, the line '
                f'{end}: between them stands the table {name}.'
            )


def replace_tables(path: Path, tables: Mapping[str, str]) -> None:
    """Replace what stands between the markers, and nothing else.

    Args:
        path (Path): The Markdown file.
        tables (Mapping[str, str]): The tables by name.

    Raises:
        GridError: If markers are missing; the file stays as it is.
    """
    check_markers(path, list(tables))
    text = path.read_text()
    for name, table in tables.items():
        begin, end = markers(name)
        head, _, rest = text.partition(begin)
        _, _, tail = rest.partition(end)
        text = f'{head}{begin}\n{table}\n{end}{tail}'
    write_whole(path, text)
