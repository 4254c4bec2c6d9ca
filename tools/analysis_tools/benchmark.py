"""Compare OAFormer with stock MMDetection: the same results, time and memory."""

import argparse
import contextlib
import io
import json
import logging
import sys
import tempfile
import warnings
from pathlib import Path

import torch
from benchmark_suites import (
    data,
    end_to_end,
    evaluation,
    forward,
    postprocess,
    train_step,
    two_stage,
)
from benchmark_suites.measure import machine, measure
from mmengine.registry import init_default_scope

from oaformer.datasets.atomic_write import check_output

# Functions from a device and a folder for files to cases.
SUITES = {
    'data': data.cases,
    'loader': data.loader_cases,
    'forward': forward.cases,
    'train-step': train_step.cases,
    'postprocess': postprocess.cases,
    'encode': evaluation.encode_cases,
    'evaluate': evaluation.evaluate_cases,
    'end-to-end': end_to_end.cases,
    'two-stage': two_stage.cases,
}
HEADER = (
    '| suite | work | stock s | ours s | ratio (spread) | target | stock peak MiB | '
    'ours peak MiB | share | target |\n|---|---|---|---|---|---|---|---|---|---|'
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--suites', nargs='+', choices=list(SUITES), default=list(SUITES)
    )
    parser.add_argument('--rounds', type=int, default=5, help='timed rounds per case')
    parser.add_argument('--device', default='cpu', choices=('cpu', 'cuda'))
    parser.add_argument('--out', metavar='FILE.json', help='write the numbers there')
    args = parser.parse_args(argv)
    if args.device == 'cuda' and not torch.cuda.is_available():
        parser.error('--device cuda: torch finds no GPU here')
    if args.rounds < 1:
        parser.error('--rounds must be at least 1')
    if args.out is not None:
        try:
            check_output(args.out)
        except OSError as error:
            parser.error(str(error))
    return args


def row(result: dict) -> str:
    """One line of the table, in Markdown."""
    images = result['images']
    wanted = f'{result["target"]:.2f}' if result['target'] else ''
    memory = result['memory_target']
    memory = f'<= {memory:.2f}' if memory else ''
    seconds = [result['stock_seconds'], result['ours_seconds']]
    stock, ours = (
        f'{each:.3f}' + (f' ({images / each:.1f}/s)' if images else '')
        for each in seconds
    )
    share = result['ours_peak_mib'] / max(result['stock_peak_mib'], 1e-9)
    return (
        f'| {result["suite"]} | {result["name"]} | {stock} | {ours} | '
        f'**{result["ratio"]:.2f}** '
        f'({result["smallest_ratio"]:.2f} to {result["largest_ratio"]:.2f}) | '
        f'{wanted} | {result["stock_peak_mib"]:.0f} | {result["ours_peak_mib"]:.0f} | '
        f'{share:.2f} | {memory} |'
    )


def main(argv: list[str] | None = None) -> None:
    """Measure suite after suite and print the table."""
    args = parse_args(argv)
    warnings.filterwarnings('ignore')
    logging.disable(logging.WARNING)
    init_default_scope('mmdet')
    print(machine(args.device), flush=True)
    print(HEADER, flush=True)
    results, output = [], sys.stdout
    with (
        tempfile.TemporaryDirectory(prefix='benchmark_') as folder,
        contextlib.redirect_stdout(io.StringIO()),  # what pycocotools prints
    ):
        for suite in args.suites:
            for case in SUITES[suite](args.device, Path(folder)):
                measured = measure(case, args.rounds, args.device)
                results.append(dict(suite=suite, **measured))
                print(row(results[-1]), file=output, flush=True)
    if args.out is not None:
        content = dict(machine=machine(args.device), results=results)
        Path(args.out).parent.mkdir(parents=True, exist_ok=True)
        Path(args.out).write_text(json.dumps(content, indent=1) + '\n')


if __name__ == '__main__':
    main()
