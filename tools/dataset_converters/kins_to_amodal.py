"""Convert a KINS annotation file, either release, to the amodal schema of OAFormer."""

import argparse
import sys
from pathlib import Path

REPO_ROOT = Path(__file__).resolve().parents[2]
# The tools use the package beside them, even if another one is installed.
sys.path.insert(0, str(REPO_ROOT / 'projects'))

from oaformer.datasets.converters import convert_file, convert_kins  # noqa: E402


def parse_args(argv=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'src',
        help='KINS file: instances_{train,val}.json or update_{train,test}_2020.json',
    )
    parser.add_argument('out', help='file to write')
    return parser.parse_args(argv)


def main(argv=None):
    """Convert one file and say what became of it."""
    args = parse_args(argv)
    try:
        print(convert_file(args.src, args.out, convert_kins))
    except ValueError as error:
        sys.exit(str(error))


if __name__ == '__main__':
    main()
