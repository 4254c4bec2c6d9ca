"""Estimate the GPU memory that training with a config takes, without a GPU.

A training step runs on the CPU, with one image and with two, zeros in place of most
results, and every tensor is counted; more images go by the straight line through
both. What comes out is computed, not measured on a GPU.
"""

import argparse
import math
import sys
import time
import warnings

import torch
from mmdet.registry import MODELS
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope
from torch import nn

import oaformer  # noqa: F401
from oaformer.engine import cli
from oaformer.engine.memory_budget import (
    GIB,
    HOLES,
    RESERVE,
    StepMemory,
    Weights,
    images_that_fit,
    needed,
    weights_of,
)
from oaformer.engine.memory_step import (
    made_up_batch,
    measure_prediction,
    measure_step,
    training_step,
)

MIB = 2**20
TIMED_ROUNDS = 3


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file of an OAFormer or a Mask2Former')
    parser.add_argument(
        '--batch-size', type=int, default=1, help='images per GPU in the table'
    )
    parser.add_argument(
        '--size',
        nargs=2,
        type=int,
        metavar=('HEIGHT', 'WIDTH'),
        help="of the images; the config's image_size if left out",
    )
    parser.add_argument('--objects', type=int, default=12, help='objects in each image')
    parser.add_argument(
        '--cards',
        nargs='+',
        type=float,
        default=[8, 16, 24, 80],
        metavar='GIB',
        help='memory of the GPUs asked about',
    )
    parser.add_argument(
        '--dtype',
        choices=('float32', 'bfloat16'),
        default='float32',
        help='bfloat16 runs under autocast; float16 takes as much memory',
    )
    parser.add_argument(
        '--time-with',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='also time a step of one image with these settings against one without',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override settings of the config',
    )
    args = parser.parse_args(argv)
    for name in ('batch_size', 'objects'):
        if getattr(args, name) < 1:
            parser.error(f'--{name.replace("_", "-")} must be at least 1')
    return args


def build_model(cfg: Config) -> nn.Module:
    """Build a config's model as for training, without its pretrained weights.

    Args:
        cfg: The config.

    Raises:
        UsageError: If it is neither an OAFormer nor a Mask2Former.
    """
    if 'panoptic_head' not in cfg.get('model', {}):
        raise cli.UsageError(
            'The config has no model.panoptic_head: only OAFormer and Mask2Former are '
            'counted here.'
        )
    cfg.model.backbone.init_cfg = None
    torch.manual_seed(0)
    return MODELS.build(cfg.model).train()


def image_size(cfg: Config, size: list[int] | None) -> tuple[int, int]:
    """Height and width of the batch: as asked for, padded as the config pads.

    Args:
        cfg: The config.
        size: Height and width asked for, in pixels.

    Raises:
        UsageError: If none is asked for and the config names none.
    """
    size = size or cfg.get('image_size')
    if size is None:
        raise cli.UsageError(
            'The config names no image_size. Say --size HEIGHT WIDTH in pixels.'
        )
    divisor = cfg.model.data_preprocessor.get('pad_size_divisor', 1)
    height, width = (math.ceil(length / divisor) * divisor for length in size)
    return height, width


def time_ratios(
    models: list[nn.Module], args: argparse.Namespace, size: tuple[int, int]
) -> list[float]:
    """Times of the second model's step as multiples of the first's, ascending."""
    dtype = getattr(torch, args.dtype)
    batch = made_up_batch(
        1, size, args.objects, models[0].panoptic_head.num_things_classes
    )
    ratios = []
    for _ in range(TIMED_ROUNDS + 1):
        seconds = []
        for model in models:
            start = time.perf_counter()
            training_step(model, *batch, dtype).backward()
            seconds.append(time.perf_counter() - start)
        ratios.append(seconds[1] / seconds[0])
    # the first round warms up
    return sorted(ratios[1:])


def report(
    weights: Weights,
    steps: list[StepMemory],
    prediction: int,
    args: argparse.Namespace,
) -> str:
    """The tables, in Markdown."""
    step = steps[0].at(steps[1], args.batch_size)
    rows = {
        'parameters': weights.parameters,
        'gradients': weights.gradients,
        "AdamW's moments": weights.moments,
        **{f'kept, {part}': size for part, size in step.kept.items()},
        'temporary, at the peak': step.peak - sum(step.kept.values()),
    }
    lines = ['| part | MiB |', '|---|---|']
    lines += [f'| {name} | {size / MIB:.0f} |' for name, size in rows.items()]
    lines += [
        f'| **together** | **{(sum(weights) + step.peak) / MIB:.0f}** |',
        '',
        f'Training with a batch of {args.batch_size}: '
        f'{needed(weights, step) / GIB:.1f} GiB, of which {RESERVE / GIB:.1f} GiB are '
        f'for CUDA and {HOLES - 1:.0%} of the rest for holes. Each further image: '
        f'{(needed(weights, steps[1]) - needed(weights, steps[0])) / GIB:.2f} GiB.',
        f'Prediction of one image: {(weights.parameters + prediction) / MIB:.0f} MiB '
        'without either.',
        '',
        '| card | images per GPU |',
        '|---|---|',
    ]
    for card in args.cards:
        count = images_that_fit(card * GIB, weights, *steps)
        lines.append(f'| {card:g} GB | {count or "none"} |')
    return '\n'.join([*lines, '', 'Computed, not measured on a GPU.'])


def main(argv: list[str] | None = None) -> None:
    """Measure the steps and print the tables."""
    args = parse_args(argv)
    warnings.filterwarnings('ignore')
    try:
        cfg, _ = cli.load_config(args.config, args.cfg_options)
        init_default_scope(cfg.get('default_scope', 'mmdet'))
        size = image_size(cfg, args.size)
        model = build_model(cfg)
    except cli.UsageError as error:
        sys.exit(str(error))
    dtype = getattr(torch, args.dtype)
    steps = [
        measure_step(model, batch_size, size, args.objects, dtype)
        for batch_size in (1, 2)
    ]
    print(report(weights_of(model), steps, measure_prediction(model, size), args))
    if args.time_with:
        cfg.merge_from_dict(args.time_with)
        ratios = time_ratios([model, build_model(cfg)], args, size)
        print(
            f'Time of a step with {args.time_with}: {ratios[len(ratios) // 2]:.2f} x '
            f'({ratios[0]:.2f} to {ratios[-1]:.2f})'
        )


if __name__ == '__main__':
    main()
