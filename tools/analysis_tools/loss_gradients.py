"""Print how hard each loss pulls at each part of an OAFormer.

A loss whose gradient is far smaller than the others' trains what it shares with them
hardly at all; one that is far larger drowns them. Losses of the same name at all
stages count as one. "cos" is the cosine between the gradient of a loss and that of
all the others together: 1, they pull the same way; 0, they have nothing to do with
each other; below 0, they work against each other.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from mmdet.registry import MODELS
from mmengine.config import DictAction
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, set_random_seed
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from oaformer.apis.loading import load_checkpoint, load_weights
from oaformer.engine import cli

PARTS = {
    'backbone': ('backbone.',),
    'pixel decoder': ('panoptic_head.pixel_decoder.',),
    'queries': ('panoptic_head.query_embed.', 'panoptic_head.query_feat.'),
    'ODM': ('panoptic_head.odm.',),
    'amodal decoder': ('panoptic_head.transformer_decoder.',),
}


class LossGradient(NamedTuple):
    """What one loss does to one part of the model.

    Attributes:
        norm: Euclidean norm of the loss's gradient.
        cosine: Its cosine with the gradient of all other losses together.
    """

    norm: float
    cosine: float


def sum_stages(losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Add up the losses of all stages, ``d0.loss_mask`` and so on, by their name.

    Args:
        losses: Weighted losses, as a detector's ``loss`` returns them.

    Returns:
        One scalar for each name.
    """
    sums: dict[str, Tensor] = {}
    for name, value in losses.items():
        name = name.rpartition('.')[2]
        sums[name] = sums.get(name, 0) + value
    return sums


def compare_gradients(
    losses: Mapping[str, Tensor], parts: Mapping[str, Sequence[nn.Parameter]]
) -> dict[tuple[str, str], LossGradient]:
    """Compare the gradients of several losses.

    Args:
        losses: Scalars with a graph.
        parts: Parameters by the name of the part, those of a part as one vector.

    Returns:
        What each loss does to each part, by both names; a pair is left out if the loss
        does not reach the part.
    """
    parameters = [parameter for part in parts.values() for parameter in part]
    gradients: dict[str, dict[str, Tensor]] = {part: {} for part in parts}
    for name, loss in losses.items():
        # once for all parts: each call goes through the whole graph
        found = iter(
            torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        )
        for part, own in parts.items():
            pieces = list(zip(own, found, strict=False))
            if any(piece is not None for _, piece in pieces):
                gradients[part][name] = torch.cat(
                    [
                        (torch.zeros_like(each) if piece is None else piece).flatten()
                        for each, piece in pieces
                    ]
                )
    compared = {}
    for part, by_loss in gradients.items():
        total = sum(by_loss.values())
        for name, gradient in by_loss.items():
            cosine = torch.cosine_similarity(gradient, total - gradient, dim=0)
            compared[name, part] = LossGradient(float(gradient.norm()), float(cosine))
    return compared


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='the config file')
    parser.add_argument('checkpoint', help='the checkpoint to look at')
    parser.add_argument(
        '--batches', type=int, default=8, help='how many training batches to average'
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='override settings of the config, key=value',
    )
    args = parser.parse_args(argv)
    if args.batches < 1:
        parser.error('--batches must be at least 1')
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Average the gradients' norms and cosines over training batches and print them."""
    args = parse_args(argv)
    try:
        cfg, _ = cli.load_config(args.config, args.cfg_options)
        init_default_scope(cfg.get('default_scope', 'mmdet'))
        set_random_seed(args.seed)
        model = MODELS.build(cfg.model)
        load_weights(model, load_checkpoint(args.checkpoint), args.checkpoint)
        dataloader = Runner.build_dataloader(cfg.train_dataloader, seed=args.seed)
    except (OSError, ValueError, RuntimeError) as error:
        sys.exit(str(error))
    model.to(get_device()).train()
    parts = {
        part: [
            parameter
            for name, parameter in model.named_parameters()
            if parameter.requires_grad and name.startswith(prefixes)
        ]
        for part, prefixes in PARTS.items()
    }
    values, found, number = {}, {}, 0
    for batch in dataloader:
        losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
        losses = sum_stages({k: v for k, v in losses.items() if 'loss' in k})
        for name, loss in losses.items():
            values.setdefault(name, []).append(loss.item())
        for key, gradient in compare_gradients(losses, parts).items():
            found.setdefault(key, []).append(gradient)
        number += 1
        if number == args.batches:
            break
    print_table(values, found, number)


def print_table(
    values: Mapping[str, Sequence[float]],
    found: Mapping[tuple[str, str], Sequence[LossGradient]],
    number: int,
) -> None:
    """Print the means over batches."""
    table = Table(title=f'Means over {number} training batches')
    table.add_column('loss')
    table.add_column('weighted value', justify='right')
    parts = [part for part in PARTS if any(key[1] == part for key in found)]
    for part in parts:
        table.add_column(f'{part}: norm (cos)', justify='right')
    for name, numbers in values.items():
        cells = []
        for part in parts:
            each = found.get((name, part))
            if each is None:
                cells.append('-')
                continue
            norm, cosine = (
                sum(column) / len(each) for column in zip(*each, strict=True)
            )
            cells.append(f'{norm:.3f} ({cosine:+.2f})')
        table.add_row(name, f'{sum(numbers) / len(numbers):.3f}', *cells)
    Console().print(table)


if __name__ == '__main__':
    main()
