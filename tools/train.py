"""Train a detector."""

from oaformer.engine import cli, faults_in_one_line, finish_processes


@faults_in_one_line()
def main() -> None:
    """Parse the command line and train."""
    args = cli.train_parser().parse_args()
    cli.build_runner(cli.train_config(args)).train()
    finish_processes()


if __name__ == '__main__':
    main()
