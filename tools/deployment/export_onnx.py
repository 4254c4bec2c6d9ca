"""Export a detector to ONNX, and compare ONNX Runtime with PyTorch."""

import argparse
import sys
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope

from oaformer.apis import ModelError
from oaformer.apis.loading import find_model, load_model
from oaformer.datasets.atomic_write import atomic_path, check_output
from oaformer.deployment import default_size
from oaformer.deployment.onnx_export import export_onnx, largest_differences


def parse_args(argv=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file or name of a config')
    parser.add_argument('checkpoint', help='checkpoint, file or web address')
    parser.add_argument('--out', default='model.onnx', help='file to write')
    parser.add_argument(
        '--size',
        nargs=2,
        type=int,
        metavar=('HEIGHT', 'WIDTH'),
        help='of the images; smaller ones are padded, larger ones made smaller. '
        "Default: what the test pipeline's resize makes of a wide image",
    )
    batch = parser.add_mutually_exclusive_group()
    batch.add_argument(
        '--batch-size', type=int, default=1, help='images at a time; 1 by default'
    )
    batch.add_argument(
        '--dynamic-batch', action='store_true', help='any number of images at a time'
    )
    parser.add_argument(
        '--opset', type=int, default=17, help="version of ONNX's operators, from 16"
    )
    return parser.parse_args(argv)


def main(argv=None):
    """Export and compare."""
    args = parse_args(argv)
    init_default_scope('mmdet')
    try:
        config = find_model(args.config)
        check_output(args.out, config, args.checkpoint)
        cfg = Config.fromfile(config)
        size = tuple(args.size) if args.size else default_size(cfg)
        if size is None:
            sys.exit('The test pipeline has no resize: name the --size.')
        model = load_model(cfg, args.checkpoint, 'cpu')
        with atomic_path(args.out) as part:
            export_onnx(
                model,
                part,
                size,
                batch_size=None if args.dynamic_batch else args.batch_size,
                opset=args.opset,
                dataset_meta=model.dataset_meta,
            )
        differences = largest_differences(model, args.out)
    except (OSError, ModelError, ValueError) as error:
        sys.exit(str(error))
    print(f'{args.out}: {Path(args.out).stat().st_size / 1e6:.1f} MB')
    print('Largest difference between ONNX Runtime and PyTorch on random images:')
    for name, difference in differences.items():
        print(f'  {name}: {difference:.1e}')


if __name__ == '__main__':
    main()
