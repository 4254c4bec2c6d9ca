"""Add visible masks and rates to a COCO-style file of whole objects and their order.

"segmentation" is the whole object, hidden parts included. A key of the annotations
holds their depth order, such as "z_order" (--order-key z_order --front high) or "depth"
(--front low). Where two objects of one place overlap, or without such a key, nothing
says which is in front: these pairs are listed and nothing is written, unless
--unordered accepts a guess. Crowds neither hide nor are hidden.
"""

import argparse
import sys

from oaformer.datasets.converters.command_line import (
    add_output_arguments,
    add_unordered_argument,
    write_outlines,
)
from oaformer.datasets.converters.ordered_coco import read_ordered_coco


def parse_args(argv=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('src', help='COCO-style file')
    add_output_arguments(parser)
    parser.add_argument(
        '--img-dir', help='folder of the images; looked for beside SRC if not given'
    )
    parser.add_argument(
        '--order-key', metavar='KEY', help='key of annotations that holds their order'
    )
    parser.add_argument(
        '--front',
        choices=('high', 'low'),
        help='which values of KEY are the nearest ones',
    )
    add_unordered_argument(parser)
    args = parser.parse_args(argv)
    if (args.order_key is None) != (args.front is None):
        parser.error('--order-key and --front need each other')
    return args


def main(argv=None):
    """Convert one file and say what became of it."""
    args = parse_args(argv)
    try:
        images, class_ids = read_ordered_coco(
            args.src, args.img_dir, args.order_key, args.front
        )
        print(write_outlines(args, 'COCO', images, class_ids, ties=args.unordered))
    except (OSError, ValueError) as error:
        sys.exit(str(error))


if __name__ == '__main__':
    main()
