r"""Train and test a grid of configs and seeds, and write its tables.

    python tools/benchmarks/run_grid.py configs/benchmarks/synth_amodal.py

The grid file names configs, seeds and the rows of the tables. Each run is

    python tools/train.py CONFIG --work-dir W --cfg-options randomness.seed=N
    python tools/test.py CONFIG W/epoch_LAST.pth --work-dir W/test \
        --out W/test/predictions.pkl

with W = WORK_DIR/RUN/seed-N, in the order of the grid file, the seeds of a run one
after the other. --runs and --seeds choose, and run in the order in which they are
given.

It may be interrupted at any time (Ctrl-C, SIGTERM, --time-limit) and goes on where it
was: with --resume from the last checkpoint, with the test of what is trained, and not
at all where there is a result. Trainings that somebody began by hand with these
commands are picked up, too; what is recorded about the machine is then that of the
moment when they are found. What came after the last checkpoint is lost, so a time limit
must be longer than an epoch.

Results are known by what was trained and tested: model, data, metric, optimiser and
schedule of the resolved config, the content of the annotation files, and the seed. So
names may change. If one of these changes, the result is stale: it is kept in the file
of the results, the run's work dir is set aside, and the run is run again.

Exit status: 0 all done, 1 some runs failed (the others were run), 2 nothing was run, 3
the time was over, 130 interrupted.
"""

import argparse
import fcntl
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPO_ROOT = Path(__file__).resolve().parents[2]
# The tools belong to the package beside them, whatever else is installed.
sys.path.insert(0, str(REPO_ROOT / 'projects'))

from grid.environment import describe_environment  # noqa: E402
from grid.grid_file import GridError, read_grid  # noqa: E402
from grid.job import FailedError, Job, Settings, say  # noqa: E402
from grid.markdown import check_markers  # noqa: E402
from grid.plan import choose, make_jobs  # noqa: E402
from grid.processes import Stop, StoppedError, run_all  # noqa: E402
from grid.report import Results  # noqa: E402

DONE, FAILED, TIME_OVER, INTERRUPTED = 0, 1, 3, 130


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('grid', help='the grid file')
    parser.add_argument(
        '--jobs', type=int, default=1, metavar='N', help='so many runs at a time'
    )
    parser.add_argument(
        '--threads',
        type=int,
        default=1,
        metavar='N',
        help='OMP_NUM_THREADS of each run; recorded with the results',
    )
    parser.add_argument('--runs', nargs='+', metavar='NAME', help='only these')
    parser.add_argument(
        '--seeds', nargs='+', type=int, metavar='N', help='only these of their seeds'
    )
    parser.add_argument(
        '--time-limit', type=float, metavar='MINUTES', help='stop after so long'
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        help='default: work_dirs/benchmarks/ and the name of the grid file',
    )
    parser.add_argument(
        '--table',
        type=Path,
        metavar='FILE.md',
        help='put the tables between its markers, <!-- grid:TABLE begin --> and '
        '<!-- grid:TABLE end -->; default: print them',
    )
    parser.add_argument(
        '--keep-checkpoints',
        action='store_true',
        help='keep all checkpoints; default: of a finished run only the last',
    )
    parser.add_argument(
        '--prune', action='store_true', help='drop stale results from the file first'
    )
    parser.add_argument(
        '--dry-run', action='store_true', help='say what there is to do, and end'
    )
    args = parser.parse_args(argv)
    if args.jobs < 1 or args.threads < 1:
        parser.error('--jobs and --threads must be at least 1')
    if args.time_limit is not None and args.time_limit <= 0:
        parser.error('--time-limit must be more than 0')
    if args.work_dir is None:
        args.work_dir = Path('work_dirs', 'benchmarks', Path(args.grid).stem)
    args.work_dir = args.work_dir.absolute()
    return args


@contextmanager
def only_runner(work_dir: Path) -> Iterator[None]:
    """Refuse a second runner on the same work dir."""
    work_dir.mkdir(parents=True, exist_ok=True)
    with open(work_dir / 'run_grid.lock', 'w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise GridError(f'Another run_grid.py is working in {work_dir}.') from error
        yield


@contextmanager
def stopping_on_signals(stop: Stop) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM ask to stop."""
    handled = (signal.SIGINT, signal.SIGTERM)
    old = [signal.signal(number, stop.on_signal) for number in handled]
    try:
        yield
    finally:
        for number, handler in zip(handled, old, strict=True):
            signal.signal(number, handler)


def run_jobs(
    jobs: list[Job], args: argparse.Namespace, settings: Settings, results: Results
) -> int:
    """Run jobs and keep their results.

    Args:
        jobs (list[Job]): The jobs.
        args (argparse.Namespace): The command line.
        settings (Settings): What all jobs share.
        results (Results): Where results go.

    Returns:
        int: The exit status.
    """
    failed, done = [], []

    def work(job: Job) -> None:
        try:
            results.add(job.perform(settings))
        except StoppedError:
            say(f'{job.name}: stopped; the same command goes on with it')
        except Exception as error:
            # Whatever it is, the other runs go on.
            known = isinstance(error, (FailedError, GridError))
            failed.append(job.name)
            say(f'{job.name} FAILED: {error if known else repr(error)}')
        else:
            done.append(job.name)
            say(f'{job.name}: done ({len(done)} of {len(jobs)})')

    run_all(jobs, work, args.jobs, settings.stop)
    left = len(jobs) - len(done) - len(failed)
    print(f'{len(done)} runs done, {len(failed)} failed, {left} left.')
    if failed:
        print(f'Failed: {", ".join(failed)}.')
    if settings.stop.signalled:
        return INTERRUPTED
    if left:
        return TIME_OVER
    return FAILED if failed else DONE


def run_grid(args: argparse.Namespace, tools: Path) -> int:
    """Do what the command line asks for.

    Args:
        args (argparse.Namespace): The command line.
        tools (Path): The folder of train.py and test.py.

    Returns:
        int: The exit status.

    Raises:
        GridError: If there is something wrong with the grid or a file that it names.
    """
    stop = Stop(args.time_limit)
    grid = read_grid(args.grid)
    if args.table is not None:
        check_markers(args.table, [table.name for table in grid.tables])
    jobs = make_jobs(grid, args.work_dir, REPO_ROOT)
    results = Results(grid, jobs, args.table)
    chosen = choose(grid, jobs, args.runs, args.seeds)
    missing = results.missing(chosen)
    print(f'{len(chosen)} runs, {len(chosen) - len(missing)} with results.')
    if args.dry_run:
        results.report_stale(prune=False)
        for job in missing:
            print(f'{job.name}: {job.state()}')
        return DONE
    with only_runner(args.work_dir), stopping_on_signals(stop):
        results.report_stale(args.prune)
        environment = describe_environment(REPO_ROOT, args.threads, args.jobs)
        settings = Settings(REPO_ROOT, tools, environment, args.keep_checkpoints, stop)
        status = run_jobs(missing, args, settings, results)
        results.write_tables()
    if args.table is None:
        print('\n' + '\n\n'.join(results.tables().values()))
    return status


def main(argv: list[str] | None = None, tools: Path = REPO_ROOT / 'tools') -> None:
    """Run the grid and end with its exit status."""
    args = parse_args(argv)
    try:
        status = run_grid(args, tools)
    except GridError as error:
        print(f'run_grid.py: error: {error}', file=sys.stderr)
        sys.exit(2)
    sys.exit(status)


if __name__ == '__main__':
    main()
