"""Make a synthetic amodal data set of textured shapes in D2SA's folder layout."""

import argparse
import sys
from pathlib import Path

REPO_ROOT = Path(__file__).resolve().parents[2]
# The tools belong to the package beside them, whatever else is installed.
sys.path.insert(0, str(REPO_ROOT / 'projects'))

from oaformer.datasets.synth_amodal import write_split  # noqa: E402


def parse_args(argv=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out-dir', default='data/synth_amodal')
    parser.add_argument('--num-train', type=int, default=400, help='training pictures')
    parser.add_argument('--num-val', type=int, default=60, help='validation pictures')
    parser.add_argument('--size', type=int, default=128, help='picture edge in pixels')
    parser.add_argument('--seed', type=int, default=0)
    return parser.parse_args(argv)


def main(argv=None):
    """Make both splits."""
    args = parse_args(argv)
    for split, number in (('train', args.num_train), ('val', args.num_val)):
        content = write_split(args.out_dir, split, number, args.seed, size=args.size)
        objects = content['annotations']
        occluded = sum(item['occlude_rate'] > 0 for item in objects)
        print(
            f'{split}: {number} pictures, {len(objects)} objects, {occluded} of them '
            f'occluded -> {args.out_dir}/annotations/{split}.json'
        )


if __name__ == '__main__':
    main()
