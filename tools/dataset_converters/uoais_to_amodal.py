"""Convert a file with UOAIS's keys, as SynTable writes them, to the amodal schema."""

import argparse
import sys

from oaformer.datasets.converters import convert_file, convert_uoais


def parse_args(argv=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'src',
        help='COCO-style file with visible_mask and occluded_mask: '
        "coco_anns_uoais_sim_{train,val}.json of UOAIS-Sim, or SynTable's",
    )
    parser.add_argument('out', help='file to write')
    return parser.parse_args(argv)


def main(argv=None):
    """Convert one file and say what became of it."""
    args = parse_args(argv)
    try:
        print(convert_file(args.src, args.out, convert_uoais))
    except ValueError as error:
        sys.exit(str(error))


if __name__ == '__main__':
    main()
