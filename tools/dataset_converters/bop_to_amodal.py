"""Convert a split of a BOP data set, or what BlenderProc writes, to the amodal schema.

A folder has scene_gt.json, rgb or gray, mask and mask_visib for each scene. Occlusion
rates are those of the masks: what lies outside the image counts as hidden in BOP's
visib_fract alone.
"""

import argparse
import sys
from pathlib import Path

from oaformer.datasets.converters import check_outputs, convert_bop, write_content


def parse_args(argv=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'src',
        help='folder of a split such as tless/train_pbr, or of one scene; names of '
        'images are relative to it',
    )
    parser.add_argument('out', help='file to write')
    parser.add_argument(
        '--sensor',
        help='sensor in the names of files and folders, such as realsense for '
        'scene_gt_realsense.json',
    )
    return parser.parse_args(argv)


def main(argv=None):
    """Convert a folder and say what became of it."""
    args = parse_args(argv)
    inputs = [
        path
        for pattern in ('scene_gt*.json', '*/scene_gt*.json')
        for path in Path(args.src).glob(pattern)
    ]
    try:
        check_outputs([args.out], inputs)
        conversion = convert_bop(args.src, args.sensor)
        write_content(args.out, conversion.content)
    except ValueError as error:
        sys.exit(str(error))
    print(f'{args.out}: {conversion.summary()}')


if __name__ == '__main__':
    main()
