r"""Compare two systems by their predictions, with intervals over images.

    python tools/analysis_tools/compare_predictions.py CONFIG \
        --first oaformer/seed-*/predictions.pkl --second wo-odm/seed-*/predictions.pkl

Each file is what tools/test.py --out wrote, one per seed. The table has the mean of
each system over its seeds, the difference, its 95 % bootstrap interval over images, and
its deviation over seeds where both have several.
"""

import argparse
import statistics
from collections.abc import Sequence

import numpy as np
from mmengine.registry import init_default_scope

from oaformer.engine import cli, faults_in_one_line
from oaformer.evaluation import (
    AmodalCocoMetric,
    amodal_metric_of,
    bootstrap_differences,
    load_results,
    measure_by_weights,
)

HEAD = ['', 'first', 'second', 'difference', '95 % over images', 'over seeds']


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file with the AmodalCocoMetric')
    for name in ('first', 'second'):
        parser.add_argument(
            f'--{name}', nargs='+', required=True, metavar='FILE.pkl', help='a system'
        )
    parser.add_argument(
        '--resamples', type=int, default=1000, help='how often images are drawn'
    )
    cli.add_cfg_options(parser)
    args = parser.parse_args(argv)
    if args.resamples < 1:
        parser.error(f'--resamples must be positive, not {args.resamples}')
    return args


@faults_in_one_line()
def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    args = parse_args(argv)
    cfg, _ = cli.load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    metric = amodal_metric_of(cfg)
    image_ids = sorted(metric.ground_truth.images)
    systems = [
        [measure_file(metric, file, image_ids) for file in files]
        for files in (args.first, args.second)
    ]
    weights = np.ones(len(image_ids), dtype=np.int64)
    first, second = ([measure(weights) for measure in each] for each in systems)
    intervals = bootstrap_differences(*systems, len(image_ids), args.resamples)
    print(f'| {" | ".join(HEAD)} |\n|{" --- |" * len(HEAD)}')
    for name, (low, high) in intervals.items():
        ours, theirs = ([seed[name] for seed in each] for each in (first, second))
        means = statistics.fmean(ours), statistics.fmean(theirs)
        over_seeds = '-'
        if len(ours) == len(theirs) > 1:
            pairs = zip(ours, theirs, strict=True)
            over_seeds = f'± {statistics.stdev(a - b for a, b in pairs):.3f}'
        print(
            f'| {name} | {means[0]:.3f} | {means[1]:.3f} | {means[0] - means[1]:+.3f} '
            f'| {low:+.3f} to {high:+.3f} | {over_seeds} |'
        )
    print(
        f'\n{len(first)} and {len(second)} seeds, {len(image_ids)} images, '
        f'{args.resamples} resamples. Over seeds: deviation of the differences, the '
        'files paired in their order.'
    )


def measure_file(metric: AmodalCocoMetric, file: str, image_ids: Sequence[int]):
    """Measure a file of predictions, which must be of all images."""
    results = load_results(file)
    if sorted(result['img_id'] for result in results) != image_ids:
        raise cli.UsageError(
            f'{file} has predictions of {len(results)} images, and '
            f'{metric.ground_truth.name} has {len(image_ids)}: both systems are '
            'compared on the same images'
        )
    metric.results.clear()
    metric.process({}, results)
    return measure_by_weights(metric.evaluate_results(metric.results), image_ids)


if __name__ == '__main__':
    main()
