"""Turn whole outlines drawn with CVAT into an amodal annotation file.

Draw every object as a whole, hidden parts included, as polygon, mask, rectangle or
ellipse, and export the task or project as "CVAT for images 1.1". The layer (z_order) is
the depth order: what lies on a higher one is nearer. Shapes are drawn on the same layer
unless you raise it, or send them to the foreground or background. Where two objects on
one layer overlap nothing says which is in front: these pairs are listed and nothing is
written, unless --unordered accepts a guess. Shapes of one label and one group are parts
of one object. Points, lines, cuboids and skeletons are left out and counted.

Projects with several subsets, and folders of several files, become one annotation file
each: OUT_SUBSET.json.
"""

import argparse
import sys

from oaformer.datasets.converters.command_line import (
    add_output_arguments,
    add_unordered_argument,
    add_visible_argument,
    write_outlines,
)
from oaformer.datasets.converters.cvat import read_cvat


def parse_args(argv=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('src', help='XML file, or folder of XML files')
    add_output_arguments(parser)
    parser.add_argument(
        '--img-dir',
        help="folder of the images, or of the subsets' folders (default: the folder "
        'images beside SRC, or where SRC is); names in OUT are relative to it',
    )
    add_unordered_argument(parser)
    add_visible_argument(parser)
    return parser.parse_args(argv)


def main(argv=None):
    """Convert files and say what became of them."""
    args = parse_args(argv)
    options = dict(visible_suffix=args.visible_suffix, ties=args.unordered)
    try:
        images = read_cvat(args.src, args.img_dir)
        print(write_outlines(args, 'CVAT', images, **options))
    except ValueError as error:
        sys.exit(str(error))


if __name__ == '__main__':
    main()
