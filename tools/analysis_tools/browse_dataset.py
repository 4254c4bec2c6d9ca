"""Draw what a config's pipeline makes of its data set: ground truth, augmented."""

import argparse
import os.path as osp
import sys
from pathlib import Path

REPO_ROOT = Path(__file__).resolve().parents[2]
# The tools belong to the package beside them, whatever else is installed.
sys.path.insert(0, str(REPO_ROOT / 'projects'))

import mmcv  # noqa: E402
from mmdet.registry import DATASETS, VISUALIZERS  # noqa: E402
from mmengine.config import DictAction  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402
from mmengine.utils import track_iter_progress  # noqa: E402

from oaformer.engine import cli  # noqa: E402


def parse_args(argv=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--output-dir',
        default='work_dirs/browse_dataset',
        help='folder of the drawings',
    )
    parser.add_argument('--split', default='train', choices=('train', 'val', 'test'))
    parser.add_argument('--number', type=int, help='how many pictures; all if left out')
    parser.add_argument(
        '--show', action='store_true', help='open a window for every picture as well'
    )
    parser.add_argument(
        '--show-interval', type=float, default=2, help='seconds until a window closes'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='override settings of the config, key=value',
    )
    return parser.parse_args(argv)


def main(argv=None):
    """Draw the pictures one after the other."""
    args = parse_args(argv)
    try:
        cfg, path = cli.load_config(args.config, args.cfg_options, REPO_ROOT)
    except cli.UsageError as error:
        sys.exit(str(error))
    init_default_scope(cfg.get('default_scope', 'mmdet'))

    dataset = DATASETS.build(cfg[f'{args.split}_dataloader'].dataset)
    # Drawings go to --output-dir, so the backends have nothing to store.
    visualizer = VISUALIZERS.build({**cfg.visualizer, 'vis_backends': None})
    visualizer.dataset_meta = dataset.metainfo

    number = len(dataset) if args.number is None else min(args.number, len(dataset))
    for index in track_iter_progress(range(number)):
        item = dataset[index]
        data_sample = item['data_samples']
        ground_truth = data_sample.gt_instances
        if 'labels' not in ground_truth:
            sys.exit(
                f'the {args.split} pipeline of {path} loads no annotations: add '
                'LoadAmodalAnnotations to it or browse another split'
            )
        # (3, H, W) BGR to (H, W, 3) RGB
        image = item['inputs'].permute(1, 2, 0).numpy()[..., ::-1]
        masks = ground_truth.masks
        if (masks.height, masks.width) != image.shape[:2]:
            # A test pipeline loads annotations after Resize: they fit the file.
            image = mmcv.imread(data_sample.img_path, channel_order='rgb')
        name = osp.basename(data_sample.img_path)
        visualizer.add_datasample(
            name,
            image,
            data_sample,
            draw_pred=False,
            show=args.show,
            wait_time=args.show_interval,
            # The number keeps apart pictures of the same name in several folders.
            out_file=osp.join(args.output_dir, f'{index:05d}_{name}'),
        )
    print(f'\n{number} drawings in {args.output_dir}')


if __name__ == '__main__':
    main()
