"""Complete the objects of a file: visible masks or boxes in, amodal masks out.

The file is COCO-style (images, annotations, categories) or a list of results of any
detector, with --image-info. What is seen of an object is its `visible_mask` or, without
that, its `segmentation`. For models trained with `panoptic_head.prompts`.
"""

import argparse
import json
import sys

from oaformer.apis import AmodalInferencer, InputError, ModelError
from oaformer.apis.annotation_completion import complete_annotations
from oaformer.datasets.annotation_file import load_annotation_content
from oaformer.datasets.atomic_write import check_output, write_json
from oaformer.models.task_modules.prompts import KINDS


def parse_args(argv=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('objects', metavar='FILE.json', help='the objects')
    parser.add_argument('img_dir', help='folder of the images')
    parser.add_argument(
        'model',
        help='config file or name of a config, or a checkpoint (.pth) with its config '
        'inside',
    )
    parser.add_argument('--weights', help='checkpoint, file or web address')
    parser.add_argument(
        '--image-info',
        metavar='FILE.json',
        help='COCO-style file with the images and categories of a list of results',
    )
    parser.add_argument(
        '--out', default='completed.json', metavar='FILE.json', help='file to write'
    )
    parser.add_argument(
        '--kind', choices=KINDS, default=KINDS[0], help='what the model is given'
    )
    parser.add_argument(
        '--no-classes',
        action='store_true',
        help='do not give the model the categories of the objects',
    )
    parser.add_argument('--show-dir', help='folder for drawings')
    parser.add_argument(
        '--device', help='such as cuda:0 or cpu; the GPU if there is one by default'
    )
    parser.add_argument('--batch-size', type=int, default=1)
    return parser.parse_args(argv)


def read_objects(args):
    """The file's content as a dict, and whether it is a list of results.

    Raises:
        ValueError: If a file is not as it should be.
        OSError: If a file can't be read.
    """
    with open(args.objects, encoding='utf-8') as stream:
        content = json.load(stream)
    if not isinstance(content, list):
        return load_annotation_content(args.objects), False
    if args.image_info is None:
        raise ValueError(
            f'{args.objects} is a list of results: name a file with their images and '
            'categories by --image-info'
        )
    info = load_annotation_content(args.image_info)
    return {**info, 'annotations': content}, True


def main(argv=None):
    """Complete the objects and write them as they came."""
    args = parse_args(argv)
    try:
        check_output(args.out, args.objects, args.image_info)
        content, is_list = read_objects(args)
        inferencer = AmodalInferencer(args.model, args.weights, device=args.device)
        completed = complete_annotations(
            inferencer,
            content['images'],
            content['annotations'],
            content['categories'],
            args.img_dir,
            args.kind,
            not args.no_classes,
            batch_size=args.batch_size,
            out_dir=args.show_dir or '',
            no_save_pred=True,
        )
    except (InputError, ModelError, OSError, ValueError) as error:
        sys.exit(str(error))
    write_json(
        args.out, completed if is_list else {**content, 'annotations': completed}
    )
    print(f'{len(completed)} objects -> {args.out}')


if __name__ == '__main__':
    main()
