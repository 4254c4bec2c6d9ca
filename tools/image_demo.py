"""Predict amodal instances in an image, a folder of images or a video."""

import argparse
import sys

from oaformer.apis import AmodalInferencer, InputError, ModelError
from oaformer.apis.pre_annotations import EXPORTS


def parse_args(argv=None):
    """Read the command line, MMDetection's demo/image_demo.py's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'inputs', help='image (file or web address), folder of images, or video'
    )
    parser.add_argument(
        'model',
        help='config file or name of a config, such as oaformer_r50_d2sa; or a '
        'checkpoint (.pth) with its config inside, or an exported model (.onnx)',
    )
    parser.add_argument('--weights', help='checkpoint, file or web address')
    parser.add_argument(
        '--out-dir',
        default='outputs',
        help='folder for drawings (vis/) and predictions (preds/)',
    )
    parser.add_argument(
        '--device', help='such as cuda:0 or cpu; the GPU if there is one by default'
    )
    parser.add_argument(
        '--pred-score-thr',
        type=float,
        default=0.3,
        help='lowest score that is drawn, printed and exported; the other files have '
        'all instances',
    )
    parser.add_argument(
        '--export',
        choices=EXPORTS,
        help='also write pre-annotations for a labelling tool: coco.json, cvat.xml, or '
        'labelme/ with a file for each image',
    )
    parser.add_argument('--batch-size', type=int, default=1)
    parser.add_argument('--show', action='store_true', help='open a window for each')
    parser.add_argument('--no-save-vis', action='store_true', help='save no drawings')
    parser.add_argument(
        '--no-save-pred', action='store_true', help='save no predictions'
    )
    parser.add_argument(
        '--print-result', action='store_true', help='print what was found'
    )
    return parser.parse_args(argv)


def main(argv=None):
    """Predict, and keep the results in files only."""
    args = parse_args(argv)
    try:
        inferencer = AmodalInferencer(args.model, args.weights, device=args.device)
        results = inferencer.stream(
            args.inputs,
            batch_size=args.batch_size,
            show=args.show,
            pred_score_thr=args.pred_score_thr,
            out_dir=args.out_dir,
            no_save_vis=args.no_save_vis,
            no_save_pred=args.no_save_pred,
            print_result=args.print_result,
            export=args.export,
        )
        number = sum(1 for _ in results)
    except (InputError, ModelError, OSError) as error:
        sys.exit(str(error))
    saves_none = args.no_save_vis and args.no_save_pred and not args.export
    saved = '' if saves_none else f', in {args.out_dir}'
    print(f'{number} images or frames{saved}')


if __name__ == '__main__':
    main()
