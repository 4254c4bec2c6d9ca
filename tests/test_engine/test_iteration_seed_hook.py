import random

import numpy as np
import torch

from oaformer.engine.iteration_seed_hook import seed_iteration


def draw(seed, iteration, phase):
    seed_iteration(seed, iteration, phase)
    return random.random(), np.random.rand(), torch.rand(()).item()


def test_draws_depend_on_nothing_that_went_before():
    first = draw(3, 10, 1)
    torch.rand(5)
    assert draw(3, 10, 1) == first


def test_seeds_iterations_and_phases_differ():
    draws = [draw(*key) for key in [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)]]
    for column in zip(*draws, strict=True):
        assert len(set(column)) == 4
