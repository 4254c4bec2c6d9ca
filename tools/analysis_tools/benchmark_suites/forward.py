"""The decoder alone, and the whole model with and without ODM."""

from collections.abc import Callable
from pathlib import Path

import torch
from mmdet.registry import MODELS
from torch import Tensor, nn

from .measure import Case
from .models import (
    FixedPixelDecoder,
    decoder_features,
    meta_samples,
    model_pair,
    our_config,
)

HEIGHT, WIDTH = 800, 1344


def cases(device: str, folder: Path) -> list[Case]:
    """Decoders with 100 and 300 queries, then the ODM's cost."""
    decoders = [decoder_case(num_queries, device) for num_queries in (100, 300)]
    return [*decoders, odm_case(device)]


def decoder_case(num_queries: int, device: str) -> Case:
    """Everything after the pixel decoder, 9 layers, ``odm=None``."""
    stock, ours = model_pair(num_queries, device)
    heads = stock.panoptic_head.eval(), ours.panoptic_head.eval()
    features = decoder_features(HEIGHT, WIDTH, device)
    samples = meta_samples((HEIGHT, WIDTH), (HEIGHT, WIDTH))
    for head in heads:
        head.pixel_decoder = FixedPixelDecoder(*features)

    def run(head: nn.Module) -> Callable[[], object]:
        @torch.no_grad()
        def forward() -> object:
            return head(features[1], samples)

        return forward

    return Case(
        name=f'decoder, {HEIGHT} x {WIDTH}, Q = {num_queries}',
        stock=run(heads[0]),
        ours=run(heads[1]),
        check=check_decoder,
        target=3.0,
    )


def check_decoder(stock: tuple, ours: object) -> None:
    """Equal but for the few attention bits whose logit lies at 0."""
    cls_scores, masks = stock
    for index, (score, mask) in enumerate(zip(cls_scores, masks, strict=True)):
        own = torch.einsum(
            'bqc,bchw->bqhw', ours.mask_embeds[index], ours.mask_features
        )
        assert _share_above(score - ours.cls_scores[index], 1e-2) < 0.01
        assert _share_above(mask - own, 1e-2) < 0.01


def odm_case(device: str) -> Case:
    """3 + 6 layers with ODM against 9 without, the whole model."""
    torch.manual_seed(0)
    plain = MODELS.build(our_config(100, odm=False)).to(device).eval()
    with_odm = MODELS.build(our_config(100, odm=True)).to(device).eval()
    image = torch.randn(1, 3, HEIGHT, WIDTH, device=device)

    def run(model: nn.Module) -> Callable[[], object]:
        @torch.no_grad()
        def forward() -> object:
            return model(image, None, mode='tensor')

        return forward

    return Case(
        name=f'whole model, {HEIGHT} x {WIDTH}: odm=None (left), ODM on (right)',
        stock=run(plain),
        ours=run(with_odm),
        check=lambda stock, ours: None,
        target=1 / 1.05,
    )


def _share_above(difference: Tensor, limit: float) -> float:
    return (difference.abs() > limit).float().mean().item()
