"""Turn whole outlines drawn with labelme into an amodal annotation file.

Draw every object as a whole, hidden parts included, as polygon, rectangle, circle or
mask. The order of the shapes is their depth order: the last one is the nearest, as on
labelme's screen, where a later shape covers an earlier one. Drag shapes in the list to
change it. Shapes of one label and one group id are parts of one object. Points and
lines are left out and counted.
"""

import argparse
import sys

from oaformer.datasets.converters.command_line import (
    add_output_arguments,
    add_visible_argument,
    write_outlines,
)
from oaformer.datasets.converters.labelme import read_labelme


def parse_args(argv=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'src', help="folder of labelme's JSON files, read with its folders, or one file"
    )
    add_output_arguments(parser)
    parser.add_argument(
        '--img-dir',
        help='folder of the images if they are not where the JSON files say; names in '
        'OUT are relative to it (default: SRC)',
    )
    parser.add_argument(
        '--front',
        choices=('last', 'first'),
        default='last',
        help='which shape of an image is the nearest (default: last)',
    )
    add_visible_argument(parser)
    return parser.parse_args(argv)


def main(argv=None):
    """Convert a folder and say what became of it."""
    args = parse_args(argv)
    try:
        images = read_labelme(args.src, args.img_dir, args.front)
        print(
            write_outlines(args, 'labelme', images, visible_suffix=args.visible_suffix)
        )
    except ValueError as error:
        sys.exit(str(error))


if __name__ == '__main__':
    main()
