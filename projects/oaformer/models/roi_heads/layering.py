"""Layers of objects: masks that lie over one another in an image, and their union."""

import torch
from torch import Tensor


def noisy_or(logits: Tensor) -> Tensor:
    """Logit of "at least one", of independent events with given logits.

    Its probability is 1 - exp(-s), s the sum of softplus(logit) over the events, and
    its binary cross-entropy s for the target 0 and -log(1 - exp(-s)) for 1. For two,
    1 + exp(union) = (1 + exp(a)) (1 + exp(b)), so the union is a log-sum-exp of a, b
    and a + b: nothing overflows, and small probabilities keep their digits.

    Args:
        logits: Logits of K events, (N, K, h, w).

    Returns:
        (N, h, w).
    """
    union, *others = logits.unbind(1)
    for other in others:
        union = torch.stack([union, other, union + other]).logsumexp(0)
    return union


def count_map(masks: Tensor, limit: int) -> Tensor:
    """Number of masks over each pixel.

    Args:
        masks: Masks of the G objects of an image, uint8, (G, H, W).
        limit: Highest number in the result.

    Returns:
        int64, (H, W).
    """
    return masks.sum(0).clamp(max=limit)


def layering_features(logits: Tensor) -> Tensor:
    """Probabilities of each number of layers, and the most likely one.

    Args:
        logits: Logits of 0 to L layers, (B, L + 1, h, w).

    Returns:
        L + 1 probabilities and the most likely number divided by L, which has no
        gradient, float32, (B, L + 2, h, w).
    """
    most_likely = logits.argmax(dim=1, keepdim=True) / (logits.shape[1] - 1)
    return torch.cat([logits.float().softmax(dim=1), most_likely], dim=1)
