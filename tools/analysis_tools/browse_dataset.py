"""Draw a data set's annotations, before and after the pipeline's augmentation."""

import argparse
import os
import os.path as osp

import mmcv
import numpy as np
from mmdet.registry import DATASETS, VISUALIZERS
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmengine.utils import track_iter_progress

from oaformer.datasets.atomic_write import check_folder, find_overwritten
from oaformer.engine import cli, faults_in_one_line, inner_datasets

# Loads images and annotations and changes nothing.
LOADING = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAmodalAnnotations'),
    dict(type='PackAmodalInputs'),
]


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
    parser.add_argument(
        '--mode',
        default='concat',
        choices=('original', 'transformed', 'concat'),
        help='images as on disk, as the model sees them, or one beside the other',
    )
    parser.add_argument('--number', type=int, help='how many images; all if left out')
    parser.add_argument(
        '--show', action='store_true', help='open a window for every image as well'
    )
    parser.add_argument(
        '--show-interval', type=float, default=2, help='seconds until a window closes'
    )
    cli.add_cfg_options(parser)
    return parser.parse_args(argv)


def image_info(dataset, index, img_path):
    """Data info of an image, which is at ``index`` unless that one was passed over.

    Where nothing is left in an image after augmentation, a data set draws another.
    """
    # MultiImageMixDataset has none
    while not hasattr(dataset, 'get_data_info'):
        dataset = dataset.dataset
    infos = map(dataset.get_data_info, (index, *range(len(dataset))))
    return next(info for info in infos if info['img_path'] == img_path)


def draw(visualizer, item):
    """Drawing of an item of a data set, RGB, (h, w, 3)."""
    # (3, H, W) BGR to (H, W, 3) RGB
    image = item['inputs'].permute(1, 2, 0).numpy()[..., ::-1]
    data_sample = item['data_samples']
    masks = data_sample.gt_instances.masks
    if (masks.height, masks.width) != image.shape[:2]:
        # A test pipeline loads annotations after Resize: they fit the file.
        image = mmcv.imread(data_sample.img_path, channel_order='rgb')
    return visualizer.draw_data_sample(image, data_sample, draw_pred=False)


def beside(drawings):
    """One drawing, or several in a row, the lower ones with white below, (h, w, 3)."""
    if len(drawings) == 1:
        return drawings[0]
    height = max(len(drawing) for drawing in drawings)
    return np.concatenate(
        [
            mmcv.impad(drawing, shape=(height, drawing.shape[1] + 8), pad_val=255)
            for drawing in drawings
        ],
        axis=1,
    )


def images_in(folder, dataset):
    """Images of a data set, through its wrappers; none if none is in a folder."""
    existing = list(os.scandir(folder)) if osp.isdir(folder) else []
    if not existing:
        return []
    images = [
        each.get_data_info(index)['img_path']
        for each in inner_datasets(dataset)
        for index in range(len(each))
    ]
    return images if find_overwritten(existing, images) else []


def write(drawing, file, images):
    """Write a drawing, but not over one of the data set's images."""
    found = find_overwritten([file], images)
    if found:
        raise OSError(
            f'{found[0]} would overwrite the image {found[1]}: name another '
            '--output-dir'
        )
    if not mmcv.imwrite(drawing[..., ::-1], file):
        raise OSError(f'{file} could not be written')


@faults_in_one_line()
def main(argv=None):
    """Draw the images one after the other."""
    args = parse_args(argv)
    cfg, path = cli.load_config(args.config, args.cfg_options)
    check_folder(args.output_dir, f'--output-dir {args.output_dir}')
    init_default_scope(cfg.get('default_scope', 'mmdet'))

    dataloader = cfg.get(f'{args.split}_dataloader')
    if dataloader is None:
        raise cli.UsageError(f'{path} has no {args.split} data: choose another --split')
    dataset = DATASETS.build(dataloader.dataset)
    images = images_in(args.output_dir, dataset)
    load = Compose(LOADING)
    # Drawings go to --output-dir, so the backends have nothing to store.
    visualizer = VISUALIZERS.build({**cfg.visualizer, 'vis_backends': None})
    visualizer.dataset_meta = dataset.metainfo

    number = len(dataset) if args.number is None else min(args.number, len(dataset))
    for index in track_iter_progress(range(number)):
        item = dataset[index]
        data_sample = item['data_samples']
        if 'labels' not in data_sample.gt_instances:
            raise cli.UsageError(
                f'the {args.split} pipeline of {path} loads no annotations: add '
                'LoadAmodalAnnotations to it or browse another split'
            )
        drawings = []
        if args.mode != 'transformed':
            info = image_info(dataset, index, data_sample.img_path)
            drawings.append(draw(visualizer, load(info)))
        if args.mode != 'original':
            drawings.append(draw(visualizer, item))
        drawing = beside(drawings)
        name = osp.basename(data_sample.img_path)
        # The number keeps apart images of the same name in several folders.
        write(drawing, osp.join(args.output_dir, f'{index:05d}_{name}'), images)
        if args.show:
            visualizer.show(drawing, win_name=name, wait_time=args.show_interval)
    print(f'\n{number} drawings in {args.output_dir}')


if __name__ == '__main__':
    main()
