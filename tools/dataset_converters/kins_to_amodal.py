"""Convert a KINS annotation file, either release, to the amodal schema of OAFormer."""

import argparse
import sys

from oaformer.datasets.converters import convert_file, convert_kins


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
