"""Compose images with exact amodal labels from the objects of a COCO-style data set.

Objects that nothing hides are cut out and pasted over each other with a known depth
order. For training, make them from a training file: what a test image shows must not
be learnt from its cut-outs.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

from oaformer.datasets.compositing import (
    EDGES,
    Backgrounds,
    CutOutSource,
    OcclusionTarget,
    UnoccludedRules,
    check_new_folder,
    compose,
    write_composites,
)


def parse_args(argv=None):
    """Read the command line."""
    rules = UnoccludedRules()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('src', help='annotation file, plain COCO or with occlusion')
    parser.add_argument('--img-dir', required=True, help='folder of its images')
    parser.add_argument(
        '--out-dir', required=True, help='folder of the new data set; must not exist'
    )
    parser.add_argument('--number', type=int, default=1000, help='images to make')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--name', default='train', help='name of the annotation file and of images'
    )
    parser.add_argument(
        '--objects',
        type=int,
        nargs=2,
        default=(3, 8),
        metavar=('MIN', 'MAX'),
        help='objects to paste into an image (default 3 8)',
    )
    parser.add_argument(
        '--occlusion',
        nargs='+',
        default=['0.1-0.7:0.5'],
        metavar='LOW-HIGH:SHARE',
        help='occlusion rates wanted and the share of all objects that is to have '
        'them; the rest is unoccluded (default 0.1-0.7:0.5)',
    )
    parser.add_argument(
        '--backgrounds',
        default='patch',
        help='patch: parts of the images without annotation, blurred (default); '
        'noise; source: the images themselves with their objects, where occlusion is '
        'annotated; or a folder of images that show none of the classes',
    )
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        metavar=('WIDTH', 'HEIGHT'),
        help="size of the images (default 640 480, with source the image's own)",
    )
    parser.add_argument(
        '--edges',
        nargs='+',
        choices=EDGES,
        default=['rim'],
        help='how colors change at the outline of a pasted object: mixed in a pixel on '
        'either side (rim, the default), mixed by the blurred mask (gaussian), or '
        'adapted as a whole by cv2.seamlessClone (poisson); of several, one is drawn '
        'for each object',
    )
    whole = parser.add_argument_group('which objects count as whole')
    whole.add_argument(
        '--min-area',
        type=float,
        default=rules.min_area,
        help=f"smallest area as a share of the image's (default {rules.min_area})",
    )
    whole.add_argument(
        '--border',
        type=int,
        default=rules.border,
        help="pixels to keep from the image's border, beyond which an object may go "
        f'on (default {rules.border})',
    )
    whole.add_argument(
        '--gap',
        type=int,
        default=rules.gap,
        help='pixels to keep from other masks where occlusion is not annotated '
        f'(default {rules.gap})',
    )
    whole.add_argument(
        '--one-piece',
        action=argparse.BooleanOptionalAction,
        default=rules.one_piece,
        help='leave out objects in several pieces (default: yes)',
    )
    args = parser.parse_args(argv)
    if not 1 <= args.objects[0] <= args.objects[1]:
        parser.error('--objects MIN MAX must be 1 <= MIN <= MAX')
    if args.number < 1 or min(args.size or (1,)) < 1:
        parser.error('--number and --size must be positive')
    if min(args.border, args.gap) < 0:
        parser.error('widths in pixels must not be negative')
    if args.size and args.backgrounds == 'source':
        parser.error("--backgrounds source keeps the images' sizes: leave --size out")
    return args


def main(argv=None):
    """Make the data set and say what it holds, wanted beside achieved."""
    args = parse_args(argv)
    width, height = args.size or (640, 480)
    rules = UnoccludedRules(args.min_area, args.border, args.gap, args.one_piece)
    try:
        target = OcclusionTarget.parse(args.occlusion)
        check_new_folder(args.out_dir)
        source = CutOutSource(args.src, args.img_dir, rules)
        backgrounds = Backgrounds(args.backgrounds, source, (height, width))
        kind = 'occlusion annotated' if source.knows_occlusion else 'plain COCO'
        print(
            f'{args.src} ({kind}): {len(source.candidates)} of '
            f'{len(source.file.annotations)} objects are whole; left out: '
            f'{source.left_out_summary()}'
        )
        content = write_composites(
            args.out_dir,
            args.number,
            args.seed,
            lambda rng: compose(
                rng,
                backgrounds.draw,
                source.draw,
                tuple(args.objects),
                target,
                args.edges,
            ),
            source.file.category_ids,
            args.name,
            # without folders: they say nothing to whoever gets the data set
            info=dict(source=Path(args.src).name, seed=args.seed),
        )
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    kinds = Counter(image['background'] for image in content['images'])
    backgrounds = ', '.join(f'{number} {kind}' for kind, number in kinds.items())
    objects = [item for item in content['annotations'] if not item['iscrowd']]
    print(
        f'{args.out_dir}/annotations/{args.name}.json: {len(content["images"])} '
        f'images, {len(objects)} objects; backgrounds: {backgrounds}'
    )
    print(target.table([item['occlude_rate'] for item in objects]))


if __name__ == '__main__':
    main()
