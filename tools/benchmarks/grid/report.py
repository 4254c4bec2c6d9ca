"""The results of the grid's runs: the file, the tables, and what is stale."""

import threading
from collections.abc import Iterable
from pathlib import Path

from .grid_file import Grid
from .job import Job
from .markdown import replace_tables
from .results import (
    add_result,
    identity,
    read_results,
    stale_results,
    write_results,
)
from .tables import render_table


class Results:
    """The file of the results, and the tables that come out of it.

    Args:
        grid (Grid): The grid.
        jobs (dict[tuple[str, int], Job]): All its jobs, by run and seed.
        table_file (Path, optional): The Markdown file of the tables.
    """

    def __init__(
        self,
        grid: Grid,
        jobs: dict[tuple[str, int], Job],
        table_file: Path | None,
    ) -> None:
        self._grid, self._jobs, self._table_file = grid, jobs, table_file
        self._lock = threading.Lock()

    def missing(self, jobs: Iterable[Job]) -> list[Job]:
        """Pick the jobs that have no result."""
        known = {identity(record) for record in read_results(self._grid.results)}
        return [job for job in jobs if job.identity not in known]

    def add(self, record: dict) -> None:
        """Write a result, and the tables with it."""
        with self._lock:
            add_result(self._grid.results, record)
            self.write_tables()

    def tables(self) -> dict[str, str]:
        """Write the tables as Markdown, by name."""
        records = {identity(r): r for r in read_results(self._grid.results)}
        results: dict[str, dict[int, dict]] = {}
        for (name, seed), job in self._jobs.items():
            if job.identity in records:
                results.setdefault(name, {})[seed] = records[job.identity]
        return {
            table.name: render_table(table, self._grid.runs, results)
            for table in self._grid.tables
        }

    def write_tables(self) -> None:
        """Put the tables into the Markdown file, if there is one."""
        if self._table_file is not None:
            replace_tables(self._table_file, self.tables())

    def report_stale(self, prune: bool) -> None:
        """Name results that no run of the grid would give any more."""
        file = self._grid.results
        records = read_results(file)
        stale = stale_results(records, (job.identity for job in self._jobs.values()))
        for record in stale:
            print(
                f'Stale: {record["run"]} seed {record["seed"]} ({record["config"]}, '
                f'fingerprint {record["fingerprint"][:8]}): no run of the grid has '
                f'these settings and annotations any more.'
            )
        if stale and prune:
            write_results(file, [r for r in records if r not in stale])
            print(f'{len(stale)} stale results dropped from {file}.')
        elif stale:
            print(f'{file} keeps them; --prune drops them.')
