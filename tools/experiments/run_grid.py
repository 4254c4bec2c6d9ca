r"""Train and test a grid of configs and seeds, and write its tables.

    python tools/experiments/run_grid.py configs/synth/grid.py --table docs/results.md

The grid file names runs (a config, options that change it, seeds) and the rows and
columns of the tables. Each run is tools/train.py and tools/test.py with a copy of the
changed config, WORK_DIR/RUN/seed-N_....py: first each run with its first seed, in the
order of the grid file, then each with its second.

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
import json
import os
import platform
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import zip_longest
from pathlib import Path

import mmdet
import torch
from grid_file import Grid, GridError, read_grid
from job import REPO_ROOT, Job
from tables import render_table, replace_tables

from oaformer.datasets.atomic_write import check_folder, check_output

DONE, FAILED, UNUSABLE, TIME_OVER, INTERRUPTED = 0, 1, 2, 3, 130


class StoppedError(Exception):
    """A command was ended by Ctrl-C, SIGTERM or the time limit."""


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


def read_results(path: Path) -> dict[str, dict]:
    """Read the records of all runs, by fingerprint; none where the file is missing."""
    if not path.is_file():
        return {}
    try:
        return {each['fingerprint']: each for each in json.loads(path.read_text())}
    except (ValueError, TypeError, KeyError) as error:
        raise GridError(f'{path} is not a file of results: {error!r}') from error


def write_results(path: Path, known: dict[str, dict]) -> None:
    """Write the records of all runs, by fingerprint, to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'{path.name}.part')
    part.write_text(json.dumps([*known.values()], indent=1, default=str) + '\n')
    os.replace(part, path)


def make_tables(grid: Grid, jobs: list[Job], known: dict[str, dict]) -> dict[str, str]:
    """Write all tables as Markdown, by name."""
    records: dict[str, dict[int, dict]] = {}
    for job in jobs:
        if job.fingerprint in known:
            records.setdefault(job.run_name, {})[job.seed] = known[job.fingerprint]
    return {table.name: render_table(table, grid, records) for table in grid.tables}


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


def say(message: str) -> None:
    """Print a line with the time."""
    print(f'[{time.strftime("%H:%M:%S")}] {message}', flush=True)


def run_jobs(
    jobs: list[Job],
    args: argparse.Namespace,
    tools: Path,
    lock: Path,
    keep: Callable[[dict], None],
) -> int:
    """Run jobs, some at a time, and keep their records; returns the exit status."""
    stop, done, failed = threading.Event(), 0, 0
    made_with = describe(args.threads, args.jobs)

    def run(command: list[str], log: Path) -> None:
        with open(log, 'ab') as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, 'OMP_NUM_THREADS': str(args.threads)},
                start_new_session=True,
                # stays locked if only the runner is killed
                pass_fds=[lock_file.fileno()],
            )
        while process.poll() is None:
            if stop.wait(0.1):
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise StoppedError
        if process.returncode != 0:
            tail = log.read_text(errors='replace').splitlines()[-20:]
            head = f'exit status {process.returncode}; {log} ends with'
            raise RuntimeError('\n    '.join([head, *tail]))

    def work(job: Job) -> dict:
        if stop.is_set():
            raise StoppedError
        for command, log in job.commands(tools):
            say(f'{job.name}: {shlex.join(command)} >> {log}')
            run(command, log)
        return dict(job.finish(), made_with=made_with)

    if args.time_limit is not None:
        timer = threading.Timer(60 * args.time_limit, stop.set)
        timer.daemon = True
        timer.start()
    interrupted = False
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with open(lock, 'w') as lock_file, ThreadPoolExecutor(args.jobs) as pool:
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise GridError(
                f'run_grid.py, or a training or test that it started, is still at work '
                f'in {lock.parent}. Wait for it, or end it.'
            ) from error
        futures = {pool.submit(work, job): job for job in jobs}
        try:
            for future in as_completed(futures):
                job, error = futures[future], future.exception()
                if error is None:
                    keep(future.result())
                    done += 1
                    say(f'{job.name}: done ({done} of {len(jobs)})')
                elif not isinstance(error, StoppedError):
                    # the other runs go on
                    failed += 1
                    say(f'{job.name} FAILED: {type(error).__name__}: {error}')
        except KeyboardInterrupt:
            interrupted = True
            stop.set()
    left = len(jobs) - done - failed
    print(f'{done} runs done, {failed} failed, {left} left.')
    if interrupted:
        return INTERRUPTED
    return TIME_OVER if left else FAILED if failed else DONE


def run_grid(args: argparse.Namespace, tools: Path) -> int:
    """Do what the command line says, with the tools of a folder; returns the status."""
    grid = read_grid(args.grid)
    unknown = set(args.runs or ()) - set(grid.runs)
    if unknown:
        raise GridError(f'--runs {", ".join(sorted(unknown))}: not in {args.grid}.')
    path = Path(grid.results)
    check_output(path, args.grid, args.table, option=f'results of {args.grid}:')
    known = read_results(path)
    default = Path('work_dirs', 'experiments', path.stem)
    work_dir = (args.work_dir or default).absolute()
    check_folder(work_dir, f'--work-dir {work_dir}')
    jobs = make_jobs(grid, work_dir)
    if args.table is not None:
        check_output(args.table, args.grid, option='--table')
        # raises without markers
        replace_tables(args.table, make_tables(grid, jobs, known))
    chosen = [job for job in jobs if not args.runs or job.run_name in args.runs]
    missing = [job for job in chosen if job.fingerprint not in known]
    print(f'{len(chosen)} runs, {len(chosen) - len(missing)} with results.')
    if args.dry_run:
        for job in missing:
            print(f'{job.name}: {job.state()}')
        return DONE

    def keep(record: dict) -> None:
        known[record['fingerprint']] = record
        write_results(path, known)

    work_dir.mkdir(parents=True, exist_ok=True)
    status = run_jobs(missing, args, tools, work_dir / 'run_grid.lock', keep)
    tables = make_tables(grid, jobs, known)
    if args.table is None:
        print('\n' + '\n\n'.join(tables.values()))
    else:
        args.table.write_text(replace_tables(args.table, tables))
    return status


def main(argv: list[str] | None = None, tools: Path = REPO_ROOT / 'tools') -> None:
    """Run the grid and end with its exit status."""
    args = parse_args(argv)
    try:
        status = run_grid(args, tools)
    except (GridError, OSError) as error:
        print(f'run_grid.py: error: {error}', file=sys.stderr)
        status = UNUSABLE
    sys.exit(status)


if __name__ == '__main__':
    main()
