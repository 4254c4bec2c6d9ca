"""What a training step takes on a GPU, and how many images fit on one."""

import math
from typing import NamedTuple

from torch import nn

GIB = 2**30
# Assumptions, since no kernel of a GPU runs here. RESERVE: about half a GiB for the
# CUDA context and its libraries, the rest for the workspaces of cuDNN and cuBLAS.
# HOLES: torch's allocator holds more than it hands out, for pieces that fit nothing.
RESERVE = 1.5 * GIB
HOLES = 1.1


class StepMemory(NamedTuple):
    """Bytes of a training step, parameters and their gradients apart.

    Attributes:
        kept: What the forward pass keeps for the backward pass, by part.
        peak: Most that is held at any moment of both.
    """

    kept: dict[str, float]
    peak: float

    def at(self, other: 'StepMemory', batch_size: int) -> 'StepMemory':
        """The straight line from one image (this) through two.

        Args:
            other: The same with two images.
            batch_size: Images at the place asked for.
        """

        def line(one: float, two: float) -> float:
            return one + (batch_size - 1) * (two - one)

        kept = {part: line(self.kept[part], other.kept[part]) for part in self.kept}
        return StepMemory(kept, line(self.peak, other.peak))


class Weights(NamedTuple):
    """Bytes that do not depend on the images.

    Attributes:
        parameters: Parameters and buffers.
        gradients: Those of the parameters that are trained.
        moments: AdamW's two moments of each of them.
    """

    parameters: int
    gradients: int
    moments: int


def weights_of(model: nn.Module) -> Weights:
    """Sum up what does not depend on the images.

    Args:
        model: The model; what is frozen has neither gradients nor moments.
    """
    trained = [p for p in model.parameters() if p.requires_grad]
    gradients = sum(p.nbytes for p in trained)
    held = sum(p.nbytes for p in (*model.parameters(), *model.buffers()))
    return Weights(held, gradients, 2 * gradients)


def needed(weights: Weights, step: StepMemory) -> float:
    """Memory that a GPU needs for a training step, in bytes.

    All gradients are added to the peak of the rest, though some are not there yet.

    Args:
        weights: What does not depend on the images.
        step: What does.
    """
    return RESERVE + HOLES * (sum(weights) + step.peak)


def images_that_fit(
    card: float, weights: Weights, one: StepMemory, two: StepMemory
) -> int:
    """The largest batch that a GPU can train with.

    Args:
        card: Its memory, in bytes.
        weights: What does not depend on the images.
        one: A step with one image.
        two: A step with two.
    """
    first = needed(weights, one)
    if first > card:
        return 0
    return 1 + math.floor((card - first) / (needed(weights, two) - first))
