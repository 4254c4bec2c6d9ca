"""Train a detector."""

from oaformer.engine import cli, finish_processes


def main() -> None:
    """Parse the command line and train."""
    parser = cli.train_parser()
    args = parser.parse_args()
    try:
        cfg = cli.train_config(args)
    except cli.UsageError as error:
        parser.exit(2, f'{parser.prog}: error: {error}\n')
    runner = cli.build_runner(cfg)
    cli.run(runner, runner.train)
    finish_processes()


if __name__ == '__main__':
    main()
