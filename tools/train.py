"""Train a detector."""

import sys
from pathlib import Path

REPO_ROOT = Path(__file__).resolve().parents[1]
# The tools belong to the package beside them, whatever else is installed.
sys.path.insert(0, str(REPO_ROOT / 'projects'))

from oaformer.engine import cli, finish_processes  # noqa: E402


def main() -> None:
    """Parse the command line and train."""
    parser = cli.train_parser()
    args = parser.parse_args()
    try:
        cfg = cli.train_config(args)
    except cli.UsageError as error:
        parser.error(str(error))
    cli.build_runner(cfg).train()
    finish_processes()


if __name__ == '__main__':
    main()
