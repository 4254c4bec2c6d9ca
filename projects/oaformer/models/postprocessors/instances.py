"""The choice of instances."""

from typing import NamedTuple

from torch import Tensor


class TopInstances(NamedTuple):
    """The best (query, class) pairs of an image.

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
