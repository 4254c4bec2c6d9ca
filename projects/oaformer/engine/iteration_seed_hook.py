"""Random numbers that depend on the iteration alone."""

import random

import numpy as np
import torch
from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner


@HOOKS.register_module()
class IterationSeedHook(Hook):
    """Seed the training process anew for every iteration.

    A checkpoint does not hold the state of the random numbers, so that a resumed run
    would draw other ones than the run that was not interrupted, and validation draws
    some in between. With this hook, what an iteration draws depends on the run's seed
    and the iteration's number and on nothing that went before.

    Worker processes of the data loader are seeded by MMEngine.
    """

    priority = 'VERY_HIGH'

    def before_train_epoch(self, runner: Runner) -> None:
        """Seed for the first batch, which is loaded before its iteration starts.

        Args:
            runner (Runner): The training run.
        """
        seed_iteration(runner.seed, runner.iter, phase=0)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Seed for an iteration.

        Args:
            runner (Runner): The training run.
            batch_idx (int): Unused.
            data_batch (dict, optional): Unused.
        """
        seed_iteration(runner.seed, runner.iter, phase=1)


def seed_iteration(seed: int, iteration: int, phase: int) -> None:
    """Seed Python, numpy and torch.

    Args:
        seed (int): The run's seed.
        iteration (int): The number of the iteration.
        phase (int): Tells different seeds of one iteration apart.
    """
    (state,) = np.random.SeedSequence([seed, iteration, phase]).generate_state(1)
    random.seed(int(state))
    np.random.seed(state)
    torch.manual_seed(int(state))
