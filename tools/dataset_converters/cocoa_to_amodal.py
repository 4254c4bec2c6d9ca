"""Convert an original COCOA annotation file to the amodal schema of OAFormer."""

import argparse
import sys
from pathlib import Path

from oaformer.datasets.atomic_write import check_output
from oaformer.datasets.converters import convert_cocoa, convert_file


def parse_args(argv=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('src', help='COCOA file, e.g. COCO_amodal_val2014.json')
    parser.add_argument('out', help='file to write')
    parser.add_argument(
        '--class-names',
        help='text file with one region name per line; each becomes a category, '
        'regions with other names are left out (default: every region becomes '
        "category 1, 'object')",
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
            check_output(args.out, args.class_names, option='out')
        except OSError as error:
            sys.exit(str(error))
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
