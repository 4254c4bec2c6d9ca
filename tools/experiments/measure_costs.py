r"""Measure what the systems of a grid cost: parameters, time and memory.

    python tools/experiments/measure_costs.py configs/synth/grid.py \
        --table docs/results.md

Each run of the grid's first table is built in a process of its own, untrained. The
processes train for some iterations and predict some images in turn, never two at once.
Scores of 0 count, so every system draws as many objects as its config allows: a trained
one draws fewer, and is faster where boxes are sorted out by their scores.
"""

import argparse
import multiprocessing
import resource
import statistics
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from grid_file import GridError, Run, read_grid
from mmdet.registry import MODELS
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from run_grid import describe
from tables import WIDTH, replace_tables

from oaformer.datasets.atomic_write import check_output
from oaformer.engine import cli

HEAD = '| | parameters, M | training, s/iteration | prediction, s/image | peak, MiB |'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('grid', help='the grid file')
    add('--runs', nargs='+', metavar='NAME', help='only these of the first table')
    add('--rounds', type=int, default=5, help='how often each system has its turn')
    add('--iterations', type=int, default=4, help='of a turn, and its images')
    add('--threads', type=int, default=1)
    add('--table', type=Path, metavar='FILE.md', help='default: print the table')
    args = parser.parse_args(argv)
    if min(args.rounds, args.iterations, args.threads) < 1:
        parser.error('--rounds, --iterations and --threads must be positive')
    return args


def count_all(cfg: Any) -> None:
    """Set all score thresholds of a model's config to 0."""
    if isinstance(cfg, Mapping):
        if 'score_thr' in cfg:
            cfg['score_thr'] = 0.0
        for value in cfg.values():
            count_all(value)


def endless(loader: Iterable) -> Iterator:
    """The batches of a loader, again and again; none is kept, as by itertools.cycle."""
    while True:
        yield from loader


def serve(run: Run, threads: int, iterations: int, pipe: Connection) -> None:
    """Build a run's model and do what the pipe asks for, until it asks for nothing.

    Sends the number of parameters, and for 'train' and 'predict' the seconds of an
    iteration or image and the process's peak memory in MiB; an exception ends it.
    """
    try:
        torch.set_num_threads(threads)
        cfg, _ = cli.load_config(run.config, run.options)
        init_default_scope(cfg.get('default_scope', 'mmdet'))
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
        count_all(cfg.model.get('test_cfg'))
        if 'backbone' in cfg.model:
            cfg.model.backbone.init_cfg = None  # nothing is downloaded
        model = MODELS.build(cfg.model)
        model.init_weights()
        model.to(device)
        optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
        pipe.send(sum(each.numel() for each in model.parameters()))
        train, test = (
            endless(Runner.build_dataloader(cfg[key], seed=0))
            for key in ('train_dataloader', 'test_dataloader')
        )
        while work := pipe.recv():
            start = time.perf_counter()
            for _ in range(iterations):
                if work == 'train':
                    model.train()
                    model.train_step(next(train), optimizer)
                else:
                    model.eval()
                    with torch.no_grad():
                        model.test_step(next(test))
            if device == 'cuda':
                torch.cuda.synchronize()
                peak = torch.cuda.max_memory_allocated() / 2**20
            else:
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
            pipe.send(((time.perf_counter() - start) / iterations, peak))
    except Exception as error:
        pipe.send(error)


def measure(
    runs: Mapping[str, Run], rounds: int, iterations: int, threads: int
) -> dict[str, tuple[int, float, float, float]]:
    """Measure runs in turn.

    Args:
        runs: The runs by the names of their rows.
        rounds: Number of turns, after one that is not measured.
        iterations: Iterations and images of a turn.
        threads: Threads of each process.

    Returns:
        By name: parameters, median seconds of an iteration and of an image, peak memory
        in MiB.

    Raises:
        GridError: If a run can't be built, trained or tested.
    """
    context = multiprocessing.get_context('fork')
    pipes = {}

    def answer(name: str) -> Any:
        result = pipes[name].recv()
        if isinstance(result, Exception):
            raise GridError(f'{name}: {type(result).__name__}: {result}') from result
        return result

    parameters = {}
    for name, run in runs.items():
        pipes[name], theirs = context.Pipe()
        arguments = (run, threads, iterations, theirs)
        context.Process(target=serve, args=arguments, daemon=True).start()
        parameters[name] = answer(name)
    seconds = {(name, work): [] for name in runs for work in ('train', 'predict')}
    peaks = {}
    for number in range(rounds + 1):
        for name, work in seconds:
            pipes[name].send(work)
            taken, peaks[name] = answer(name)
            if number:
                seconds[name, work].append(taken)
    for pipe in pipes.values():
        pipe.send(None)
    median = {key: statistics.median(values) for key, values in seconds.items()}
    return {
        name: (
            parameters[name],
            median[name, 'train'],
            median[name, 'predict'],
            peaks[name],
        )
        for name in runs
    }


def run_measurement(args: argparse.Namespace) -> str:
    """Measure the runs of a grid's first table; returns the table in Markdown."""
    grid = read_grid(args.grid)
    rows = {row.name: row.run for row in grid.tables[0].rows if row.base is None}
    unknown = set(args.runs or ()) - set(rows.values())
    if unknown:
        names = ', '.join(sorted(unknown))
        raise GridError(f'--runs {names}: not in the first table of {args.grid}.')
    if args.table is not None:
        check_output(args.table, args.grid, option='--table')
        replace_tables(args.table, dict(costs=''))  # raises without markers
    chosen = {
        name: grid.runs[run]
        for name, run in rows.items()
        if not args.runs or run in args.runs
    }
    costs = measure(chosen, args.rounds, args.iterations, args.threads)
    lines = [HEAD, '| --- | --- | --- | --- | --- |']
    lines += [
        f'| {name} | {size / 1e6:.2f} | {train:.2f} | {predict:.3f} | {peak:.0f} |'
        for name, (size, train, predict, peak) in costs.items()
    ]
    note = (
        f'Untrained models, medians of {args.rounds} interleaved rounds of '
        f'{args.iterations} iterations and images; peak of a whole process. '
        f'{describe(args.threads, 1)}.'
    )
    return '\n'.join([*lines, '', textwrap.fill(note, WIDTH)])


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table, or write it."""
    args = parse_args(argv)
    try:
        table = run_measurement(args)
        if args.table is None:
            print(table)
        else:
            args.table.write_text(replace_tables(args.table, dict(costs=table)))
    except (GridError, OSError) as error:
        sys.exit(f'measure_costs.py: error: {error}')


if __name__ == '__main__':
    main()
