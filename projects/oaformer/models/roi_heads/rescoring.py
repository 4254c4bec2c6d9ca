"""Scores of detections by what their masks look like."""

import math

import torch
from torch import Tensor


def rescored(
    scores: Tensor,
    probabilities: Tensor | None = None,
    distances: Tensor | None = None,
    offset: float = 2.0,
) -> Tensor:
    """Lower the scores of detections whose masks do not fit their class.

    After the released code of Xiao et al., Amodal Segmentation Based on Visible Region
    Segmentation and Shape Prior (AAAI 2021).

    Args:
        scores: Score of each detection, (N,).
        probabilities: Probability of its class by the features of its visible mask,
            (N,).
        distances: Share of its amodal mask's pixels that differ from the nearest shape
            of its class, (N,).
        offset: How far a mask can be, plus 1, before its score is 0.

    Returns:
        The product of the score and a factor for each of the two, and of these the
        root of their number, (N,).
    """
    number = 1
    if probabilities is not None:
        scores = scores * (0.4 * probabilities + 0.6)
        number += 1
    if distances is not None:
        nearness = torch.log((offset - distances).clamp(min=1)) / math.log(offset)
        scores = scores * nearness
        number += 1
    return scores ** (1 / number)
