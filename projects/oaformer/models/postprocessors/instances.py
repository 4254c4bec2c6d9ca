"""From logits of one picture to instances, a few masks at a time."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class PictureSizes(NamedTuple):
    """Sizes (height, width) in pixels that a mask passes through.

    Attributes:
        batch_input: Size of the padded batch.
        image: Size of the picture inside the batch.
        output: Size of the result: that of the original picture, or None to
            stay at ``image``.
    """

    batch_input: tuple[int, int]
    image: tuple[int, int]
    output: tuple[int, int] | None


class TopInstances(NamedTuple):
    """The best (query, class) pairs of a picture.

    Attributes:
        scores: Class probability, (n,), best first.
        labels: Class, (n,).
        queries: Query, (n,). One query may stand for several classes.
    """

    scores: Tensor
    labels: Tensor
    queries: Tensor


def top_instances(cls_score: Tensor, max_per_image: int) -> TopInstances:
    """Choose the best (query, class) pairs, as Mask2Former does.

    Args:
        cls_score: Class logits, background last, (Q, K + 1).
        max_per_image: How many to keep at most. Where Q * K is less, all are kept.

    Returns:
        At most ``max_per_image`` instances.
    """
    # (Q, K + 1) -> (Q * K,), background left out
    probabilities = cls_score.softmax(-1)[:, :-1]
    num_classes = probabilities.shape[1]
    flat = probabilities.flatten()
    scores, indices = flat.topk(min(max_per_image, flat.numel()))
    return TopInstances(scores, indices % num_classes, indices // num_classes)


def full_size_masks(
    mask_embed: Tensor, mask_features: Tensor, sizes: PictureSizes, chunk_size: int
) -> Iterator[Tensor]:
    """Mask logits at output size, in chunks that bound the memory.

    Resizes in the same two steps as MMDetection, batch size then output size, so
    that the masks are the same.

    Args:
        mask_embed: Embeddings of the wanted queries, (n, C).
        mask_features: Features of the picture, (C, H/4, W/4).
        sizes: Sizes to go through.
        chunk_size: Masks per chunk.

    Yields:
        Logits, (<= chunk_size, H, W).
    """
    height, width = sizes.image
    for embed in mask_embed.split(chunk_size):
        # (n, C) x (C, H/4, W/4) -> (1, n, H/4, W/4)
        masks = torch.einsum('nc,chw->nhw', embed, mask_features)[None]
        masks = F.interpolate(
            masks, sizes.batch_input, mode='bilinear', align_corners=False
        )[..., :height, :width]
        if sizes.output is not None:
            masks = F.interpolate(
                masks, sizes.output, mode='bilinear', align_corners=False
            )
        yield masks[0]


def mask_quality(masks: Tensor) -> Tensor:
    """Mean probability inside each mask, Mask2Former's factor of the score.

    Args:
        masks: Logits, (n, H, W).

    Returns:
        In [0, 1], (n,); 0 for an empty mask.
    """
    inside = (masks > 0).float()
    total = (masks.sigmoid() * inside).flatten(1).sum(1)
    return total / (inside.flatten(1).sum(1) + 1e-6)
