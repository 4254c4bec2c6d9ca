"""Test a detector."""

from oaformer.engine import cli, faults_in_one_line, finish_processes
from oaformer.evaluation import DumpAmodalResults


@faults_in_one_line()
def main() -> None:
    """Parse the command line and test."""
    args = cli.test_parser().parse_args()
    runner = cli.build_runner(cli.test_config(args))
    if args.out is not None:
        runner.test_evaluator.metrics.append(DumpAmodalResults(args.out))
    runner.test()
    finish_processes()


if __name__ == '__main__':
    main()
