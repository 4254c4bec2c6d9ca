"""Print the gradient norm of each loss at each part of a detector.

A loss whose gradient is far smaller than the others' hardly trains what it shares with
them; one that is far larger dominates them. Losses of the same name at all stages count
as one. "cos" is the cosine between the gradient of a loss and that of all the others
together: 1 if they point the same way, 0 if they are independent, below 0 if they work
against each other. Parts are the detector's modules, those of its heads one by one.
"""

import argparse
from collections.abc import Mapping, Sequence

import torch
from mmdet.registry import MODELS
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, set_random_seed
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from oaformer.apis.loading import ModelError, load_checkpoint, load_weights
from oaformer.engine import cli, faults_in_one_line


def sum_stages(
    losses: Mapping[str, Tensor | Sequence[Tensor]],
) -> dict[str, Tensor]:
    """Add up the losses of all stages (``d0.loss_mask``) and levels (lists) by name."""
    sums: dict[str, Tensor] = {}
    for name, value in losses.items():
        name = name.rpartition('.')[2]
        levels = value if isinstance(value, (list, tuple)) else [value]
        sums[name] = sums.get(name, 0) + sum(level.mean() for level in levels)
    return sums


def model_parts(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    """Group a detector's trained parameters by module, in heads by the head's modules.

    The names are such as 'backbone' and 'roi_head.mask_head'.
    """
    parts: dict[str, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            module, inner = name.split('.')[:2]
            part = f'{module}.{inner}' if module.endswith('_head') else module
            parts.setdefault(part, []).append(parameter)
    return parts


def compare_gradients(
    losses: Mapping[str, Tensor], parts: Mapping[str, Sequence[nn.Parameter]]
) -> dict[tuple[str, str], tuple[float, float]]:
    """Compare the gradients of several losses.

    Args:
        losses: Scalars with a graph.
        parts: Parameters by the name of the part, those of a part as one vector.

    Returns:
        By the names of loss and part: the Euclidean norm of the gradient, and its
        cosine with the gradient of all other losses together. A pair is left out if the
        loss does not reach the part.
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
            compared[name, part] = float(gradient.norm()), float(cosine)
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
    cli.add_cfg_options(parser)
    args = parser.parse_args(argv)
    if args.batches < 1:
        parser.error('--batches must be at least 1')
    return args


@faults_in_one_line(ModelError)
def main(argv: Sequence[str] | None = None) -> None:
    """Average the gradients' norms and cosines over training batches and print them."""
    args = parse_args(argv)
    cfg, _ = cli.load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    set_random_seed(args.seed)
    model = MODELS.build(cfg.model)
    load_weights(model, load_checkpoint(args.checkpoint), args.checkpoint)
    dataloader = Runner.build_dataloader(cfg.train_dataloader, seed=args.seed)
    model.to(get_device()).train()
    parts = model_parts(model)
    values, found = {}, {}
    number = min(args.batches, len(dataloader))
    for _, batch in zip(range(number), dataloader, strict=False):
        losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
        losses = sum_stages({k: v for k, v in losses.items() if 'loss' in k})
        for name, loss in losses.items():
            values.setdefault(name, []).append(loss.item())
        for key, gradient in compare_gradients(losses, parts).items():
            found.setdefault(key, []).append(gradient)
    print_table(values, found, number)


def print_table(
    values: Mapping[str, Sequence[float]],
    found: Mapping[tuple[str, str], Sequence[tuple[float, float]]],
    number: int,
) -> None:
    """Print the means over batches, a loss per column."""
    table = Table('', *values, title=f'Norm (cos), means over {number} batches')
    means = [f'{sum(each) / len(each):.3f}' for each in values.values()]
    table.add_row('weighted value', *means, end_section=True)
    for part in dict.fromkeys(part for _, part in found):
        cells = []
        for name in values:
            each = found.get((name, part), ())
            if each:
                columns = zip(*each, strict=True)
                norm, cosine = (sum(column) / len(each) for column in columns)
                cells.append(f'{norm:.3f} ({cosine:+.2f})')
            else:
                cells.append('-')
        table.add_row(part, *cells)
    Console().print(table)


if __name__ == '__main__':
    main()
