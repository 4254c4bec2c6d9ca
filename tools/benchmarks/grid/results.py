"""The file of the results: a JSON list with one record for each run and seed."""

import json
from collections.abc import Iterable
from pathlib import Path

from .files import write_whole
from .grid_file import GridError

Identity = tuple[str, int]


def identity(record: dict) -> Identity:
    """Tell what a record is the result of.

    Args:
        record (dict): A record.

    Returns:
        Identity: Its fingerprint and seed.
    """
    return record['fingerprint'], record['seed']


def read_results(path: Path) -> list[dict]:
    """Read the file.

    Args:
        path (Path): The file.

    Returns:
        list[dict]: Its records, none if there is no file yet.

    Raises:
        GridError: If it is no file of results.
    """
    if not path.is_file():
        return []
    try:
        records = json.loads(path.read_text())
        for record in records:
            identity(record)
    except (ValueError, KeyError, TypeError) as error:
        raise GridError(
            f'{path} is no file of results ({error!r}). Name another one in the grid '
            'file, or move this one away.'
        ) from error
    return records


def write_results(path: Path, records: list[dict]) -> None:
    """Write the file.

    Args:
        path (Path): The file.
        records (list[dict]): Its records.
    """
    write_whole(path, json.dumps(records, indent=1) + '\n')


def add_result(path: Path, record: dict) -> None:
    """Add a record, in the place of one with the same identity.

    Args:
        path (Path): The file.
        record (dict): The record.
    """
    others = [old for old in read_results(path) if identity(old) != identity(record)]
    write_results(path, [*others, record])


def stale_results(records: list[dict], current: Iterable[Identity]) -> list[dict]:
    """Pick what no run of the grid would give any more.

    Args:
        records (list[dict]): The records.
        current (Iterable[Identity]): The identities of the grid's runs.

    Returns:
        list[dict]: The others' records.
    """
    current = set(current)
    return [record for record in records if identity(record) not in current]
