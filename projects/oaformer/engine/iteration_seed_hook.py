"""Random numbers that depend on seed, iteration and process alone."""

import random
from functools import partial

import numpy as np
import torch
from mmdet.registry import HOOKS
from mmengine.dataset import worker_init_fn
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner


@HOOKS.register_module()
class IterationSeedHook(Hook):
    """Seed a training process anew for every iteration, its workers for every epoch.

    A checkpoint does not hold the state of the random numbers, so that a resumed run
    would draw other ones than the run that was not interrupted, and validation draws
    some in between. With this hook, what an iteration draws depends on the run's seed,
    the iteration's number and the process's rank, and on nothing that went before.

    MMEngine seeds the data loader's workers alike whenever they start, so that workers
    started anew for every epoch repeat one stream of augmentations. Here the epoch's
    first iteration is part of their seed. Persistent workers start once in a run: their
    streams never repeat, but a resumed run begins new ones.
    """

    priority = 'VERY_HIGH'

    def before_train_epoch(self, runner: Runner) -> None:
        """Seed the workers and the first batch, loaded before its iteration starts."""
        dataloader = runner.train_dataloader
        init = dataloader.worker_init_fn
        if isinstance(init, partial) and init.func is worker_init_fn:
            seed = derive_seed(runner.seed, runner.iter, phase=2)
            # MMEngine adds the number of the worker, counted through all processes
            dataloader.worker_init_fn = partial(init, seed=seed >> 1)
        seed_iteration(runner.seed, runner.iter, phase=0, rank=get_rank())

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Seed for an iteration."""
        seed_iteration(runner.seed, runner.iter, phase=1, rank=get_rank())


def seed_iteration(seed: int, iteration: int, phase: int, rank: int = 0) -> None:
    """Seed Python, numpy and torch; ``phase`` distinguishes seeds of one iteration."""
    state = derive_seed(seed, iteration, phase, rank)
    random.seed(state)
    np.random.seed(state)
    torch.manual_seed(state)


def derive_seed(seed: int, iteration: int, phase: int, rank: int = 0) -> int:
    """Mix the arguments of :func:`seed_iteration` into one seed of 32 bits."""
    (state,) = np.random.SeedSequence([seed, iteration, phase, rank]).generate_state(1)
    return int(state)
