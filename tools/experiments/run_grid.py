r"""Train and test a grid of configs and seeds, and write its tables.

    python tools/experiments/run_grid.py configs/synth/grid.py --table docs/results.md

The grid file names runs (a config, options that change it, seeds) and the rows and
columns of the tables. Each run is tools/train.py and tools/test.py with these options,
in WORK_DIR/RUN/seed-N_...: first each run with its first seed, in the order of the grid
file, then each with its second.

It may be interrupted at any time (Ctrl-C, SIGTERM, --time-limit): the same command goes
on from the last checkpoint of each run and skips runs that have a result. Work after
the last checkpoint is lost, so a time limit must be longer than an epoch. Of a finished
run only the last checkpoint is kept.

Results are known by model, data, optimiser, schedule, hooks and metric of the config,
the content of the annotation files, and the seed. If one of these changes, the run is
run again in a work dir of its own.

Exit status: 0 all done, 1 some runs failed (the others were run), 2 nothing was run,
3 the time is over, 130 interrupted.
"""

import argparse
import fcntl
import functools
import json
import os
import platform
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path

import mmdet
import torch
from grid_file import Grid, GridError, read_grid
from job import Job, StoppedError, run_command, say
from tables import render_table, replace_tables

REPO_ROOT = Path(__file__).resolve().parents[2]
DONE, FAILED, UNUSABLE, TIME_OVER, INTERRUPTED = 0, 1, 2, 3, 130


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('grid', help='the grid file')
    add('--jobs', type=int, default=1, help='runs at a time')
    add('--threads', type=int, default=1, help='threads of each run')
    add('--runs', nargs='+', metavar='NAME', help='only these')
    add('--time-limit', type=float, metavar='MINUTES')
    add('--work-dir', type=Path, help='default: work_dirs/experiments/RESULTS')
    add('--table', type=Path, metavar='FILE.md', help='default: print the tables')
    add('--dry-run', action='store_true', help='say what there is to do, and end')
    args = parser.parse_args(argv)
    if min(args.jobs, args.threads) < 1 or (args.time_limit or 1) <= 0:
        parser.error('--jobs, --threads and --time-limit must be positive')
    return args


class Results:
    """The file of the results, one record per run and seed, and their tables."""

    def __init__(self, grid: Grid, jobs: list[Job], table_file: Path | None) -> None:
        self._path, self._grid, self._jobs = Path(grid.results), grid, jobs
        self._table_file, self._lock = table_file, threading.Lock()
        content = json.loads(self._path.read_text()) if self._path.is_file() else []
        self.known = {record['fingerprint']: record for record in content}
        if table_file is not None:
            replace_tables(table_file, self.tables())  # raises without markers

    def tables(self) -> dict[str, str]:
        """All tables as Markdown, by name."""
        records: dict[str, dict[int, dict]] = {}
        for job in self._jobs:
            if job.fingerprint in self.known:
                of_run = records.setdefault(job.run_name, {})
                of_run[job.seed] = self.known[job.fingerprint]
        return {
            table.name: render_table(table, self._grid, records)
            for table in self._grid.tables
        }

    def add(self, record: dict) -> None:
        """Write a record to the file."""
        with self._lock:
            self.known[record['fingerprint']] = record
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part = self._path.with_name(f'{self._path.name}.part')
            part.write_text(json.dumps(list(self.known.values()), indent=1) + '\n')
            os.replace(part, self._path)

    def show(self) -> None:
        """Put the tables into their file or, without one, print them."""
        if self._table_file is None:
            print('\n' + '\n\n'.join(self.tables().values()))
        else:
            text = replace_tables(self._table_file, self.tables())
            self._table_file.write_text(text)


def describe(threads: int, jobs: int) -> str:
    """Name machine, versions and commit."""

    def git(*args: str) -> str:
        command = ['git', '-C', str(REPO_ROOT), *args]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()

    changed = git('status', '--porcelain', '--', 'projects', 'configs', 'tools')
    cpus = re.findall('model name.*: (.*)', Path('/proc/cpuinfo').read_text())
    device = cpus[0] if cpus else platform.machine()
    if torch.cuda.is_available():
        device = torch.cuda.get_device_name()
    return (
        f'{device}, threads of a run: {threads}, runs at a time: {jobs}; '
        f'torch {torch.__version__}, MMDetection {mmdet.__version__}, '
        f'Python {platform.python_version()}; commit '
        f'{git("rev-parse", "--short", "HEAD")}{" with changes" if changed else ""}'
    )


def make_jobs(grid: Grid, work_dir: Path) -> list[Job]:
    """Make the jobs, all first seeds before all second ones."""
    by_run = [
        [Job(name, run, seed, work_dir) for seed in run.seeds]
        for name, run in grid.runs.items()
    ]
    jobs: dict[str, Job] = {}
    for job in (job for turn in zip_longest(*by_run) for job in turn if job):
        first = jobs.setdefault(job.fingerprint, job)
        if first is not job:
            raise GridError(
                f'{job.name} is the same as {first.name}: check its options'
            )
    return list(jobs.values())


def run_jobs(
    jobs: list[Job], args: argparse.Namespace, tools: Path, lock: Path, results: Results
) -> int:
    """Run jobs, some at a time, and keep their results; returns the exit status."""
    failed, done, stop = [], [], threading.Event()
    made_with = describe(args.threads, args.jobs)

    def work(job: Job) -> None:
        if stop.is_set():
            return
        try:
            results.add(dict(job.perform(tools, run), made_with=made_with))
        except StoppedError:
            return
        except Exception as error:
            # the other runs go on
            failed.append(job)
            say(f'{job.name} FAILED: {type(error).__name__}: {error}')
        else:
            done.append(job)
            say(f'{job.name}: done ({len(done)} of {len(jobs)})')

    if args.time_limit is not None:
        timer = threading.Timer(60 * args.time_limit, stop.set)
        timer.daemon = True
        timer.start()
    interrupted = False
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with open(lock, 'w') as stream, ThreadPoolExecutor(args.jobs) as pool:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        run = functools.partial(
            run_command, threads=args.threads, lock=stream, stop=stop
        )
        try:
            list(pool.map(work, jobs))
        except KeyboardInterrupt:
            interrupted = True
            stop.set()
    left = len(jobs) - len(done) - len(failed)
    print(f'{len(done)} runs done, {len(failed)} failed, {left} left.')
    if interrupted:
        return INTERRUPTED
    return TIME_OVER if left else FAILED if failed else DONE


def run_grid(args: argparse.Namespace, tools: Path) -> int:
    """Do what the command line says, with the tools of a folder; returns the status."""
    grid = read_grid(args.grid)
    default = Path('work_dirs', 'experiments', Path(grid.results).stem)
    work_dir = (args.work_dir or default).absolute()
    jobs = make_jobs(grid, work_dir)
    results = Results(grid, jobs, args.table)
    unknown = set(args.runs or ()) - set(grid.runs)
    if unknown:
        raise GridError(f'--runs {", ".join(sorted(unknown))}: not in {args.grid}.')
    chosen = [job for job in jobs if not args.runs or job.run_name in args.runs]
    missing = [job for job in chosen if job.fingerprint not in results.known]
    print(f'{len(chosen)} runs, {len(chosen) - len(missing)} with results.')
    if args.dry_run:
        for job in missing:
            print(f'{job.name}: {job.state()}')
        return DONE
    work_dir.mkdir(parents=True, exist_ok=True)
    try:
        status = run_jobs(missing, args, tools, work_dir / 'run_grid.lock', results)
    except BlockingIOError as error:
        raise GridError(
            f'run_grid.py, or a training or test that it started, is still at work in '
            f'{work_dir}. Wait for it, or end it.'
        ) from error
    results.show()
    return status


def main(argv: list[str] | None = None, tools: Path = REPO_ROOT / 'tools') -> None:
    """Run the grid and end with its exit status."""
    args = parse_args(argv)
    try:
        status = run_grid(args, tools)
    except GridError as error:
        print(f'run_grid.py: error: {error}', file=sys.stderr)
        status = UNUSABLE
    sys.exit(status)


if __name__ == '__main__':
    main()
