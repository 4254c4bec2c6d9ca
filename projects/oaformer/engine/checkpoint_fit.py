"""Whether the weights of a checkpoint are those of a model."""

import re
from collections.abc import Mapping, Sequence
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
    'bbox_head.conv_cls.': ('classes', 0, 'model.bbox_head.num_classes'),
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
        fitting: Weights that are the same in both.
    """

    missing: list[str]
    unexpected: list[str]
    misshapen: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    fitting: Sequence[str] = ()

    def __bool__(self) -> bool:
        return any(self[:3])

    def causes(self) -> list[str]:
        """Settings of the config that explain the difference."""
        causes = self._parts_that_differ()
        for part, (name, key) in _PARTS.items():
            if any(part in weight for weight in self.unexpected):
                causes.append(f'the checkpoint has {name}, the config has none ({key})')
            if any(part in weight for weight in self.missing):
                causes.append(f'the config has {name}, the checkpoint has none ({key})')
        for part, (name, more, key) in _SIZES.items():
            for weight, shapes in self.misshapen.items():
                # heads of a cascade are numbered: bbox_head.0.fc_cls
                place = re.sub(r'\.\d+\.', '.', weight)
                if part in place and shapes[0][:1] != shapes[1][:1]:
                    found, wanted = (shape[0] - more for shape in shapes)
                    causes.append(
                        f'the checkpoint has {found} {name}, the config has {wanted} '
                        f'({key})'
                    )
                    break
        return causes

    def _parts_that_differ(self) -> list[str]:
        """In words: no weights at all, a backbone only, another backbone."""
        found = [*self.unexpected, *self.misshapen]
        if not (self.fitting or found):
            return ['the checkpoint has no weights of a model under state_dict']
        if not (self.fitting or self.misshapen):
            return [
                'no weight of the checkpoint is one of the model: a backbone of its '
                'own goes to model.backbone.init_cfg, another release through '
                'tools/model_converters'
            ]
        backbone = 'backbone.'
        if all(key.startswith(backbone) for key in [*self.fitting, *found]):
            return ['the checkpoint has weights of the backbone only']
        if any(key.startswith(backbone) for key in [*self.missing, *found]):
            return ['the checkpoint has another backbone (model.backbone)']
        return []

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


def unwrapped_model(runner: Runner) -> nn.Module:
    """The model of a runner, without the wrapper of several processes."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


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
        fitting=[
            key
            for key, value in wanted.items()
            if key in found and found[key].shape == value.shape
        ],
    )


def saved_dataset_meta(checkpoint: Mapping) -> dict[str, Any]:
    """What a checkpoint says of its data set, keys in lower case; empty if nothing."""
    meta = checkpoint.get('meta') or {}
    # MMDetection 2 has the classes in meta itself
    saved = meta.get('dataset_meta') or {
        key: meta[key] for key in ('CLASSES', 'PALETTE') if meta.get(key) is not None
    }
    saved = {key.lower(): value for key, value in saved.items()}
    if isinstance(saved.get('classes'), str):
        saved['classes'] = (saved['classes'],)
    return saved


@HOOKS.register_module()
class CheckpointFitHook(Hook):
    """Refuse a checkpoint that does not fit, in testing and resuming.

    MMEngine loads what fits and leaves the rest of the model as it was initialized,
    so that another number of classes or another ablation is tested without an error.
    ``load_from`` in training, where a part may well start afresh, is a warning unless
    nothing fits. All weights concerned are in the log file.
    """

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare the checkpoint with the model, before it is loaded.

        Raises:
            CheckpointMisfitError: In testing, validation and resuming; in training
                where nothing fits.
        """
        model = unwrapped_model(runner)
        state = checkpoint.get('state_dict', checkpoint)
        misfit = compare_weights(model, state if isinstance(state, Mapping) else {})
        if not misfit:
            return
        runner.logger.info(f'{LISTING}{misfit.listing()}')
        is_start = isinstance(runner._train_loop, BaseLoop) and not runner._resume
        if is_start and (misfit.fitting or misfit.misshapen):
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
