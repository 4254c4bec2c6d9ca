"""Make a checkpoint to fine-tune from out of COCO weights.

OAFormer takes those of Mask2Former, the two-stage systems those of Mask R-CNN.
"""

import argparse
import pickle
import sys
from pathlib import Path

import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

import oaformer
from oaformer.apis.loading import dataset_meta
from oaformer.datasets.atomic_write import atomic_path, check_output
from oaformer.engine import cli
from oaformer.models.converters import (
    ConversionError,
    checked_class_names,
    coco_classes,
    convert_mask2former,
    convert_mask_rcnn,
    count_classes,
    load_pretrained_weights,
    matching_classes,
    name_some,
    take_class_rows,
    with_branch_names,
    with_mmdetection_names,
)


def parse_args(argv=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='The first odm.num_layers decoder layers go to the ODM, the others to '
        'the amodal decoder; without an ODM in the config all of them go there. The '
        'mask head of Mask R-CNN goes to each branch with the same layers.',
    )
    parser.add_argument(
        'src',
        help="weights of Mask2Former (MMDetection's .pth, or the original release's "
        '.pkl or .pth) or of Mask R-CNN (MMDetection)',
    )
    parser.add_argument('out', help='checkpoint to write, for load_from')
    parser.add_argument(
        '--config',
        default='configs/oaformer_r50_d2sa.py',
        help='the model that will be fine-tuned (default: %(default)s)',
    )
    cli.add_cfg_options(parser)
    parser.add_argument(
        '--classes',
        choices=['by-name', 'as-is', 'fresh'],
        default='by-name',
        help='which rows of the class embedding are kept: those of classes that have '
        'the same name in both data sets, and that of no object (default); all, for '
        'the same classes in the same order; none',
    )
    parser.add_argument(
        '--verbose', action='store_true', help='print where every tensor comes from'
    )
    return parser.parse_args(argv)


def main(argv=None):
    """Convert one file and report the result."""
    args = parse_args(argv)
    try:
        convert(args)
    except (OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        sys.exit(f'{args.src} was not converted: {error}')


def convert(args):
    """Read, convert, write and report."""
    src, out = Path(args.src), Path(args.out)
    cfg, config = cli.load_config(args.config, args.cfg_options)
    check_output(out, src, config, option='out')
    loaded = load_pretrained_weights(src)
    model = initial_state(cfg)
    if any(name.startswith('bbox_head.') for name in model):
        raise ConversionError(
            f"{args.config} is on FCOS: MMDetection's weights of FCOS have its names, "
            'so set load_from to them without a conversion'
        )
    two_stage = any(name.startswith('roi_head.') for name in model)
    if two_stage:
        renamed = with_branch_names(loaded.weights, model)
    else:
        renamed = with_mmdetection_names(loaded.weights)
    rows, summary = class_rows(args, cfg, loaded.classes, renamed.weights, model)
    weights = renamed.weights
    if args.classes != 'as-is':
        weights = take_class_rows(weights, model, rows)
    convert_names = convert_mask_rcnn if two_stage else convert_mask2former
    conversion = convert_names(weights, model)
    save(conversion, src, out)

    sources = {
        name: renamed.sources[source] for name, source in conversion.sources.items()
    }
    left_out = renamed.left_out + [
        renamed.sources[name] for name in conversion.left_out
    ]
    if args.verbose:
        for name, source in sources.items():
            print(f'{name} <- {source}')
    num_renamed = sum(name != source for name, source in sources.items())
    print(
        f'{out}: {len(sources)} tensors, {num_renamed} of them under new names, out of '
        f'{len(set(sources.values()))} of {len(loaded.weights)} in {src}'
    )
    print(f'  classes: {summary}')
    print(f'  left out: {name_some(left_out) or "nothing"}')
    print(f'  start afresh: {name_some(conversion.fresh) or "nothing"}')


def initial_state(cfg):
    """State of the config's model, the same each time."""
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return MODELS.build(cfg.model).state_dict()


def class_rows(args, cfg, names, weights, model):
    """Which row of the weights each class gets, and a line that says so."""
    num_source = count_classes(weights, args.src)
    num_target = count_classes(model, f"{args.config}'s model")
    if args.classes == 'fresh':
        return None, f'all {num_target} and no object start afresh'
    if args.classes == 'as-is':
        if num_source != num_target:
            raise ConversionError(
                f'--classes as-is: the weights have {num_source} classes and '
                f'{args.config} {num_target}'
            )
        return None, f'all {num_target} rows and no object as they are'
    owner = args.src
    if names is None:
        names, owner = coco_classes(num_source), 'COCO'
    source = checked_class_names(names, num_source, owner)
    target = dataset_meta({}, cfg).get('classes')
    target = checked_class_names(target, num_target, args.config)
    rows = matching_classes(source, target)
    summary = f'{len(rows)} of {num_target} have the name of one of the {num_source}'
    if source:
        summary += f' of {owner}'
    if rows:
        summary += f' ({name_some(target[row] for row in rows)})'
    for owner, known in ((args.src, source), (args.config, target)):
        if not known:
            summary += f', for {owner} names none'
    return rows, summary + '; they and no object are kept, the others start afresh'


def save(conversion, src, out):
    """Write the checkpoint, all of it or nothing."""
    meta = dict(converted_from=src.name, oaformer_version=oaformer.__version__)
    with atomic_path(out) as part:
        torch.save(dict(meta=meta, state_dict=conversion.weights), part)


if __name__ == '__main__':
    main()
