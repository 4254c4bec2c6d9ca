"""Whether the weights of a checkpoint are those of a model."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from torch import nn

LISTING = 'Weights that do not fit:\n'
"""How the list of all weights begins; it goes to the log file only."""

# Parts of OAFormer that a config may leave out: key, what it is, setting.
_PARTS = {
    '.odm.': ('an occlusion distinguish module', 'model.panoptic_head.odm'),
    '.visible_mask_embed.': (
        'a branch of visible masks',
        'model.panoptic_head.loss_visible_mask',
    ),
}
# First dimension of a weight: what it counts, how many more it has, setting.
_SIZES = {
    'panoptic_head.cls_embed.': (
        'classes',
        1,
        'model.panoptic_head.num_things_classes',
    ),
    'bbox_head.fc_cls.': ('classes', 1, 'model.roi_head.bbox_head.num_classes'),
    'mask_head.conv_logits.': ('classes', 0, 'model.roi_head.mask_head.num_classes'),
    'panoptic_head.query_feat.': ('queries', 0, 'model.panoptic_head.num_queries'),
}


class CheckpointMisfitError(ValueError):
    """The weights of a checkpoint are not those of the config's model."""


class WeightMisfit(NamedTuple):
    """How the weights of a checkpoint differ from those of a model.

    Attributes:
        missing: Weights of the model that the checkpoint lacks.
        unexpected: Weights of the checkpoint that the model lacks.
        misshapen: Shape in the checkpoint and in the model, by weight.
    """

    missing: list[str]
    unexpected: list[str]
    misshapen: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]

    def __bool__(self) -> bool:
        return any(self)

    def causes(self) -> list[str]:
        """Settings of the config that explain the difference."""
        causes = []
        for part, (name, key) in _PARTS.items():
            if any(part in weight for weight in self.unexpected):
                causes.append(f'the checkpoint has {name}, the config has none ({key})')
            if any(part in weight for weight in self.missing):
                causes.append(f'the config has {name}, the checkpoint has none ({key})')
        for part, (name, more, key) in _SIZES.items():
            for weight, shapes in self.misshapen.items():
                if part in weight and shapes[0][0] != shapes[1][0]:
                    found, wanted = (shape[0] - more for shape in shapes)
                    causes.append(
                        f'the checkpoint has {found} {name}, the config has {wanted} '
                        f'({key})'
                    )
                    break
        return causes

    def summary(self) -> str:
        """One line: the causes, numbers and an example of each kind."""
        parts = [
            f'{len(texts)} {kind} ({texts[0]})'
            for kind, texts in self._texts().items()
            if texts
        ]
        return '; '.join([*self.causes(), f'weights: {", ".join(parts)}'])

    def listing(self) -> str:
        """All weights, a line each."""
        return '\n'.join(
            f'{kind}: {text}' for kind, texts in self._texts().items() for text in texts
        )

    def _texts(self) -> dict[str, list[str]]:
        shapes = self.misshapen.items()
        misshapen = [f'{key}, {found} instead of {to}' for key, (found, to) in shapes]
        return dict(
            missing=self.missing, unexpected=self.unexpected, misshapen=misshapen
        )


def compare_weights(model: nn.Module, state: Mapping[str, object]) -> WeightMisfit:
    """Compare the weights of a checkpoint with those of a model.

    Args:
        model: The model, not wrapped.
        state: Weights by name, with or without the prefix ``module.``. Counters of
            batch norms do not matter.

    Returns:
        The differences; false where there are none.
    """
    found = {
        key.removeprefix('module.'): value
        for key, value in state.items()
        if isinstance(value, torch.Tensor) and not key.endswith('num_batches_tracked')
    }
    wanted = {
        key: value
        for key, value in model.state_dict().items()
        if not key.endswith('num_batches_tracked')
    }
    return WeightMisfit(
        missing=[key for key in wanted if key not in found],
        unexpected=[key for key in found if key not in wanted],
        misshapen={
            key: (tuple(found[key].shape), tuple(value.shape))
            for key, value in wanted.items()
            if key in found and found[key].shape != value.shape
        },
    )


def saved_dataset_meta(checkpoint: Mapping) -> dict[str, Any]:
    """What a checkpoint says of its data set, keys in lower case; empty if nothing."""
    saved = (checkpoint.get('meta') or {}).get('dataset_meta') or {}
    return {key.lower(): value for key, value in saved.items()}


@HOOKS.register_module()
class CheckpointFitHook(Hook):
    """Refuse a checkpoint that does not fit, in testing and resuming.

    MMEngine loads what fits and leaves the rest of the model as it was initialized,
    so that another number of classes or another ablation is tested without an error.
    ``load_from`` in training, where a part may well start afresh, is a warning. All
    weights concerned are in the log file.
    """

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare the checkpoint with the model, before it is loaded.

        Raises:
            CheckpointMisfitError: In testing, validation and resuming.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        misfit = compare_weights(model, checkpoint.get('state_dict', checkpoint))
        if not misfit:
            return
        runner.logger.info(f'{LISTING}{misfit.listing()}')
        if isinstance(runner._train_loop, BaseLoop) and not runner._resume:
            runner.logger.warning(
                f'The checkpoint does not fit the model: {misfit.summary()}. What '
                'fits is loaded, the rest starts as initialized.'
            )
            return
        raise CheckpointMisfitError(
            f'{runner._load_from or "the latest checkpoint"} does not fit the model '
            f'of the config: {misfit.summary()}. Name the config that the checkpoint '
            'was trained with.'
        )
