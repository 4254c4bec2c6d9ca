"""Test a detector."""

import sys
from pathlib import Path

REPO_ROOT = Path(__file__).resolve().parents[1]
# The tools belong to the package beside them, whatever else is installed.
sys.path.insert(0, str(REPO_ROOT / 'projects'))

from oaformer.engine import cli, finish_processes  # noqa: E402
from oaformer.evaluation import DumpAmodalResults  # noqa: E402


def main() -> None:
    """Parse the command line and test."""
    parser = cli.test_parser()
    args = parser.parse_args()
    try:
        cfg = cli.test_config(args, REPO_ROOT)
    except cli.UsageError as error:
        parser.error(str(error))
    runner = cli.build_runner(cfg)
    if args.out is not None:
        runner.test_evaluator.metrics.append(DumpAmodalResults(args.out))
    runner.test()
    finish_processes()


if __name__ == '__main__':
    main()
