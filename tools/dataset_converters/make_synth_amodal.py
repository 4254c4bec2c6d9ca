"""Make SynthAmodal, textured shapes with exact amodal masks, in D2SA's format."""

import argparse
import json
import os
import sys
from pathlib import Path

from oaformer.datasets.synth_amodal import CLASSES, MAX_OCCLUSION, write_split

MIN_SIZE = 16


def parse_args(argv=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out-dir', default='data/synth_amodal')
    parser.add_argument('--num-train', type=int, default=4800, help='training images')
    parser.add_argument('--num-val', type=int, default=200, help='validation images')
    parser.add_argument(
        '--num-test',
        type=int,
        default=600,
        help='held-out test images, for the numbers that are reported',
    )
    parser.add_argument(
        '--size',
        type=int,
        default=128,
        help=f'image edge in pixels, at least {MIN_SIZE} (default 128)',
    )
    parser.add_argument(
        '--occluded-fraction',
        type=float,
        default=0.5,
        help='expected share of occluded objects',
    )
    parser.add_argument(
        '--occlusion-range',
        type=float,
        nargs=2,
        default=(0.1, 0.7),
        metavar=('LOWEST', 'HIGHEST'),
        help=f'occlusion rates of the occluded ones, at most {MAX_OCCLUSION}',
    )
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args(argv)
    for name in ('num_train', 'num_val', 'num_test'):
        if getattr(args, name) < 0:
            parser.error(f'--{name.replace("_", "-")} must not be negative')
    if args.size < MIN_SIZE:
        parser.error(f'--size must be at least {MIN_SIZE}, or shapes have no pixels')
    if not 0 <= args.occluded_fraction <= 1:
        parser.error('--occluded-fraction must be from 0 to 1')
    lowest, highest = args.occlusion_range
    if not 0 < lowest <= highest <= MAX_OCCLUSION:
        parser.error(
            '--occlusion-range must be two rates in ascending order, above 0 and at '
            f'most {MAX_OCCLUSION}'
        )
    return args


def check_replaced(file):
    """Refuse to replace the annotation file of another data set."""
    if not file.exists():
        return
    try:
        content = json.loads(file.read_text(encoding='utf-8'))
        names = [category['name'] for category in content['categories']]
    except (ValueError, KeyError, TypeError):
        names = None
    if names != list(CLASSES):
        raise OSError(f'{file} is of another data set: name another --out-dir')


def main(argv=None):
    """Make all splits."""
    args = parse_args(argv)
    splits = dict(train=args.num_train, val=args.num_val, test=args.num_test)
    try:
        for split in splits:
            check_replaced(Path(args.out_dir, 'annotations', f'{split}.json'))
    except OSError as error:
        sys.exit(str(error))
    for split, number in splits.items():
        try:
            content = write_split(
                args.out_dir,
                split,
                number,
                args.seed,
                num_processes=len(os.sched_getaffinity(0)),
                size=args.size,
                occluded_fraction=args.occluded_fraction,
                occlusion_range=tuple(args.occlusion_range),
            )
        except (OSError, ValueError) as error:
            sys.exit(str(error))
        objects = content['annotations']
        occluded = sum(item['occlude_rate'] > 0 for item in objects)
        print(
            f'{split}: {number} images, {len(objects)} objects, {occluded} of them '
            f'occluded -> {args.out_dir}/annotations/{split}.json'
        )


if __name__ == '__main__':
    main()
