"""Convert an original COCOA annotation file to the amodal schema of OAFormer."""

import argparse
import sys
from pathlib import Path

REPO_ROOT = Path(__file__).resolve().parents[2]
# The tools use the package beside them, even if another one is installed.
sys.path.insert(0, str(REPO_ROOT / 'projects'))

from oaformer.datasets.converters import convert_cocoa, convert_file  # noqa: E402


def parse_args(argv=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('src', help='COCOA file, e.g. COCO_amodal_val2014.json')
    parser.add_argument('out', help='file to write')
    classes = parser.add_mutually_exclusive_group()
    classes.add_argument(
        '--class-names',
        help='text file with one region name per line; each becomes a category, '
        'regions with other names are left out',
    )
    classes.add_argument(
        '--class-agnostic',
        action='store_true',
        help="make every region category 1 'object' (the default)",
    )
    parser.add_argument(
        '--keep-stuff', action='store_true', help='keep regions marked as stuff'
    )
    return parser.parse_args(argv)


def main(argv=None):
    """Convert one file and say what became of it."""
    args = parse_args(argv)
    class_names = None
    if args.class_names:
        try:
            lines = Path(args.class_names).read_text(encoding='utf-8').splitlines()
        except (OSError, ValueError) as error:
            sys.exit(f'cannot read {args.class_names}: {error}')
        class_names = [line for line in lines if line.strip()]

    def convert(source, filename):
        return convert_cocoa(source, filename, class_names, args.keep_stuff)

    try:
        print(convert_file(args.src, args.out, convert))
    except ValueError as error:
        sys.exit(str(error))


if __name__ == '__main__':
    main()
