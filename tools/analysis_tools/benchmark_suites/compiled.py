"""The whole model with parts that ``torch.compile`` compiled, against the same without.

Compilation falls into the rounds before the timed ones.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from mmdet.registry import MODELS
from torch import Tensor, nn

from oaformer.models.detectors.compilation import PARTS

from .forward import HEIGHT, WIDTH
from .measure import Case
from .models import our_config
from .train_step import SIZE, samples


def cases(device: str, folder: Path) -> list[Case]:
    """Every part alone, then all: forward passes, then training steps."""
    choices = [*([part] for part in PARTS), list(PARTS)]
    forwards = [forward_case(parts, device) for parts in choices]
    return [*forwards, *(step_case(parts, device) for parts in choices)]


def forward_case(parts: list[str], device: str) -> Case:
    """One image without gradients, ODM on."""
    image = torch.randn(1, 3, HEIGHT, WIDTH, device=device)

    def run(model: nn.Module) -> Callable[[], Tensor]:
        @torch.no_grad()
        def forward() -> Tensor:
            return model(image, None, mode='tensor').cls_scores[-1]

        return forward

    plain, compiled = (model.eval() for model in _models(parts, device))
    return Case(
        suite='compiled',
        name=f'forward, {HEIGHT} x {WIDTH}: without, with compiled {_words(parts)}',
        stock=run(plain),
        ours=run(compiled),
        check=_check,
    )


def step_case(parts: list[str], device: str) -> Case:
    """Forward, losses, backward and optimiser, B = 1, ODM on."""
    image = torch.randn(1, 3, SIZE, SIZE, device=device)
    batch = samples(1, device)[1]

    def run(model: nn.Module) -> Callable[[], Tensor]:
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.0)
        model.train()

        def step() -> Tensor:
            torch.manual_seed(0)
            losses = model(image, batch, mode='loss')
            optimizer.zero_grad()
            sum(losses.values()).backward()
            optimizer.step()
            return torch.stack([value.detach() for value in losses.values()])

        return step

    plain, compiled = _models(parts, device)
    return Case(
        suite='compiled',
        name=f'step, {SIZE} x {SIZE}: without, with compiled {_words(parts)}',
        stock=run(plain),
        ours=run(compiled),
        check=_check,
    )


def _models(parts: list[str], device: str) -> tuple[nn.Module, nn.Module]:
    """OAFormer-R50 twice, with the same weights, the second one with compiled parts."""
    torch.manual_seed(0)
    cfg = our_config(100, odm=True)
    plain = MODELS.build(cfg)
    cfg.compile_cfg = dict(parts=parts)
    compiled = MODELS.build(cfg)
    compiled.load_state_dict(plain.state_dict(), strict=True)
    return plain.to(device), compiled.to(device)


def _words(parts: list[str]) -> str:
    return ' and '.join(part.replace('_', ' ') for part in parts)


def _check(plain: Tensor, compiled: Tensor) -> None:
    # a sampled point or an attention bit may fall to the other side by rounding
    torch.testing.assert_close(compiled, plain, rtol=1e-3, atol=1e-3)
