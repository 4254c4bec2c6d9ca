"""Evaluate predictions that tools/test.py --out wrote."""

import argparse
import json
from pathlib import Path

from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope

from oaformer.datasets.atomic_write import check_output
from oaformer.engine import cli, dataset_classes, faults_in_one_line
from oaformer.evaluation import load_results


def parse_args(argv=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        'pkl_results', metavar='predictions.pkl', help='file of the predictions'
    )
    parser.add_argument(
        '--out', metavar='FILE.json', help='write the metrics there as well'
    )
    cli.add_cfg_options(parser)
    return parser.parse_args(argv)


@faults_in_one_line()
def main(argv=None):
    """Print the metrics."""
    args = parse_args(argv)
    cfg, path = cli.load_config(args.config, args.cfg_options)
    if args.out is not None:
        check_output(args.out, path, args.pkl_results)
    if cfg.get('test_evaluator') is None:
        raise cli.UsageError(f'{path} has no metric: set test_evaluator')
    predictions = load_results(args.pkl_results)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    evaluator = Evaluator(cfg.test_evaluator)
    evaluator.dataset_meta = dict(classes=dataset_classes(cfg))
    metrics = evaluator.offline_evaluate(predictions)
    print(json.dumps(metrics, indent=2))
    if args.out is not None:
        Path(args.out).parent.mkdir(parents=True, exist_ok=True)
        Path(args.out).write_text(json.dumps(metrics, indent=2) + '\n')


if __name__ == '__main__':
    main()
