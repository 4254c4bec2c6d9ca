"""Test a detector."""

from oaformer.engine import cli, finish_processes
from oaformer.evaluation import DumpAmodalResults


def main() -> None:
    """Parse the command line and test."""
    parser = cli.test_parser()
    args = parser.parse_args()
    try:
        cfg = cli.test_config(args)
    except cli.UsageError as error:
        parser.exit(2, f'{parser.prog}: error: {error}\n')
    runner = cli.build_runner(cfg)
    if args.out is not None:
        runner.test_evaluator.metrics.append(DumpAmodalResults(args.out))
    cli.run(runner, runner.test)
    finish_processes()


if __name__ == '__main__':
    main()
