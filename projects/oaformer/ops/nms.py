"""Non-maximum suppression in PyTorch."""

import torch
from torch import Tensor

# Boxes whose overlaps are computed at once.
_BLOCK = 512


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Keep each box that no better kept box overlaps by more than a threshold.

    Args:
        boxes: x1, y1, x2, y2, (N, 4).
        scores: (N,).
        iou_threshold: Boxes that overlap by this much are still kept.
        offset: 0, or 1 where x2 and y2 are the last pixels of a box.

    Returns:
        Indices of the kept boxes by falling score, those of MMCV's compiled operator.
        Boxes of equal score keep their order.
    """
    order = scores.argsort(descending=True, stable=True)
    boxes = boxes[order]
    kept = order[:0]
    for block in torch.arange(len(boxes), device=boxes.device).split(_BLOCK):
        candidates = block
        if len(kept):
            suppressed = _overlaps(boxes[kept], boxes[block], offset) > iou_threshold
            candidates = block[~suppressed.any(dim=0)]
        overlaps = _overlaps(boxes[candidates], boxes[candidates], offset)
        suppresses = (overlaps > iou_threshold).triu(diagonal=1)
        kept = torch.cat([kept, candidates[_greedy(suppresses)]])
    return order[kept]


def _greedy(suppresses: Tensor) -> Tensor:
    """Which boxes are kept, where box i, if it is kept, suppresses some later boxes.

    The choice is the only one that its own suppressions reproduce. After n steps it is
    right for the first n boxes, and in practice for all of them after a few.

    Args:
        suppresses: Upper triangle, (N, N).

    Returns:
        (N,), bool.
    """
    keep = suppresses.new_ones(len(suppresses))
    while True:
        step = ~(suppresses & keep[:, None]).any(dim=0)
        if torch.equal(step, keep):
            return keep
        keep = step


def _overlaps(boxes: Tensor, others: Tensor, offset: int) -> Tensor:
    """Intersection over union of each pair, (N, M)."""
    x1, y1, x2, y2 = boxes[:, :, None].unbind(1)
    other_x1, other_y1, other_x2, other_y2 = others.unbind(1)
    width = torch.minimum(x2, other_x2) - torch.maximum(x1, other_x1) + offset
    height = torch.minimum(y2, other_y2) - torch.maximum(y1, other_y1) + offset
    intersection = width.clamp_(min=0) * height.clamp_(min=0)
    area = (x2 - x1 + offset) * (y2 - y1 + offset)
    other_area = (other_x2 - other_x1 + offset) * (other_y2 - other_y1 + offset)
    return intersection / (area + other_area - intersection)
