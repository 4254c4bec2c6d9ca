"""Build the shape priors of ShapeDict from annotations; images are not needed.

An autoencoder learns the shapes of the amodal masks in the config's training data; the
codes of each class's shapes go into one file with it. Test data is never read.
"""

import argparse

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope
from rich.progress import track

from oaformer.datasets.amodal_coco import name_some
from oaformer.datasets.atomic_write import atomic_path, check_output
from oaformer.engine import cli, faults_in_one_line
from oaformer.engine.dataset_config import (
    dataset_classes,
    innermost_datasets,
    read_annotations_of,
)
from oaformer.models.shape_priors import (
    ShapeAutoencoder,
    box_crops,
    class_codes,
    reconstruction_ious,
    shape_priors_content,
    train_autoencoder,
)


def parse_args(argv=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config with roi_head.mask_head.shape_priors')
    parser.add_argument(
        '--out',
        metavar='FILE.pth',
        help="file to write (default: the config's shape_priors.file)",
    )
    parser.add_argument(
        '--upright',
        action='store_true',
        help='no turned and mirrored variants of the shapes: for objects that have a '
        'way up, as the cars of KINS',
    )
    parser.add_argument(
        '--iterations', type=int, default=2000, help='of training (default 2000)'
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--image', metavar='FILE.png', help='draw some shapes of each class'
    )
    cli.add_cfg_options(parser)
    return parser.parse_args(argv)


def read_masks(datasets, classes):
    """Crops of the amodal masks of data sets' configs, and their labels.

    Crowds and annotations marked "ignore" are left out.
    """
    objects, labels = [], []
    for dataset in datasets:
        file = read_annotations_of(dataset)
        of_category = {
            id: classes.index(name)
            for name, id in file.category_ids.items()
            if name in classes
        }
        for annotation in track(file.annotations, file.name):
            label = of_category.get(annotation['category_id'])
            if label is None:
                continue
            parsed = file.parse(annotation)
            if not (parsed.iscrowd or parsed.ignore):
                objects.append((parsed.amodal, parsed.bbox))
                labels.append(label)
    return box_crops(track(objects, 'masks')), torch.tensor(labels, dtype=torch.long)


def draw_shapes(autoencoder, codes, classes, number=16):
    """An image with a row of decoded shapes for each class that has some."""
    rows = []
    for name, each in zip(classes, codes, strict=True):
        if not len(each):
            continue
        chosen = each[torch.linspace(0, len(each) - 1, min(number, len(each))).long()]
        shapes = autoencoder.decode(chosen).detach()
        shapes = F.pad(shapes, (2, 2, 2, 2, 0, number - len(shapes)))
        # (n, h, w) -> (h, n, w) -> (h, n * w)
        row = (255 - 255 * shapes).byte().transpose(0, 1).flatten(1).numpy()
        row = cv2.resize(row, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
        title = np.full((len(row), 320), 255, np.uint8)
        text = f'{name} ({len(each)})'
        cv2.putText(title, text, (4, 38), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 0)
        rows.append(np.hstack([title, row]))
    return np.vstack(rows)


@faults_in_one_line()
def main(argv=None):
    """Read the masks, train, and write the file."""
    args = parse_args(argv)
    cfg, _ = cli.load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    head = cfg.model.get('roi_head', {}).get('mask_head', {})
    settings = head.get('shape_priors')
    if not settings:
        raise cli.UsageError(
            f'{args.config} has no model.roi_head.mask_head.shape_priors: choose one '
            'of configs/shapedict'
        )
    out = args.out or settings['file']
    check_output(out)
    classes = dataset_classes(cfg, dataloader='train_dataloader')
    masks, labels = read_masks(
        innermost_datasets(cfg.train_dataloader.dataset), classes
    )
    val_masks, _ = read_masks(innermost_datasets(cfg.val_dataloader.dataset), classes)
    if not len(masks):
        raise cli.UsageError(
            f'{args.config}: the training data has no object to learn shapes of'
        )
    torch.manual_seed(args.seed)
    autoencoder = ShapeAutoencoder(settings.get('num_stages', 3))
    common = dict(variants=not args.upright, seed=args.seed)
    train_autoencoder(
        autoencoder,
        masks,
        args.iterations,
        progress=lambda steps: track(steps, 'autoencoder'),
        **common,
    )
    ious = dict(training=reconstruction_ious(autoencoder, masks))
    if len(val_masks):
        ious['validation'] = reconstruction_ious(autoencoder, val_masks)
    for name, each in ious.items():
        print(
            f'{len(each)} {name} masks are reconstructed with IoU {each.mean():.3f} '
            f'(lowest {each.min():.3f})'
        )
    codes = [
        class_codes(
            autoencoder,
            masks[labels == label],
            settings.get('num_codes', 1024),
            **common,
        )
        for label in track(range(len(classes)), 'codes')
    ]
    meta = dict(
        classes=list(classes),
        upright=args.upright,
        seed=args.seed,
        iterations=args.iterations,
        objects=labels.bincount(minlength=len(classes)).tolist(),
        reconstruction_iou={name: float(each.mean()) for name, each in ious.items()},
    )
    with atomic_path(out) as path:
        torch.save(shape_priors_content(autoencoder, codes, meta), path)
    without = [name for name, each in zip(classes, codes, strict=True) if not len(each)]
    print(
        f'{out}: {sum(map(len, codes))} codes of {len(classes)} classes'
        + (f'; none of {name_some(without)}' if without else '')
    )
    if args.image:
        cv2.imwrite(args.image, draw_shapes(autoencoder, codes, classes))


if __name__ == '__main__':
    main()
