"""Shapes of each class, to be looked up by the shape of a mask."""

from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.model import BaseModule
from torch import Tensor

from .autoencoder import ShapeAutoencoder
from .file import read_shape_priors


class ShapePriors(BaseModule):
    """A frozen autoencoder and codes of the shapes of each class.

    All of it is in the model's state, so a trained checkpoint needs no other file.

    Args:
        num_classes: C, number of classes.
        file: What ``tools/misc/build_shape_priors.py`` has written; read where the
            weights are initialised, so only a training needs it.
        num_stages: See :class:`ShapeAutoencoder`.
        num_codes: Most codes of a class.

    Attributes:
        class_names: Those of the file, None before it is read.
    """

    def __init__(
        self,
        num_classes: int,
        file: str | Path | None = None,
        num_stages: int = 3,
        num_codes: int = 1024,
    ) -> None:
        super().__init__()
        self.file = file
        self.num_stages = num_stages
        self.class_names: Sequence[str] | None = None
        self.autoencoder = ShapeAutoencoder(num_stages).requires_grad_(False)
        size = self.autoencoder.code_size
        self.register_buffer('codes', torch.zeros(num_classes, num_codes, size))
        self.register_buffer('counts', torch.zeros(num_classes, dtype=torch.long))

    def init_weights(self) -> None:
        """Read the file.

        Raises:
            FileNotFoundError: If it is missing.
            ValueError: If it is not such a file, or was built for other settings.
        """
        if self.file is None:
            return
        content = read_shape_priors(self.file)
        meta = content['meta']
        num_classes, num_codes = self.codes.shape[:2]
        for what, ours, theirs in (
            ('classes', num_classes, len(meta['classes'])),
            ('stages', self.num_stages, meta['num_stages']),
            ('codes per class', num_codes, content['codes'].shape[1]),
        ):
            if theirs > ours or (theirs < ours and what != 'codes per class'):
                raise ValueError(
                    f'{self.file} has {theirs} {what}, the model {ours}: build the '
                    "shape priors from the model's config"
                )
        self.class_names = tuple(meta['classes'])
        self.autoencoder.load_state_dict(content['autoencoder'])
        self.codes.zero_()
        self.codes[:, : content['codes'].shape[1]] = content['codes']
        self.counts.copy_(content['counts'])

    @torch.no_grad()
    def nearest_codes(self, masks: Tensor, labels: Tensor, number: int) -> Tensor:
        """Codes of the shapes that are nearest to those of masks.

        Args:
            masks: Bool, (N, 28, 28).
            labels: Class of each, (N,).
            number: k, codes for each mask.

        Returns:
            (N, k, code_size), the nearest first, by the distance of codes. Where a
            class has fewer, the farthest one repeats; where it has none, the mask's own
            code is taken.
        """
        # bfloat16 does not tell codes from each other
        with torch.autocast(masks.device.type, enabled=False):
            own = self.autoencoder.encode(masks)
            nearest = own[:, None].repeat(1, number, 1)
            for label in labels.unique().tolist():
                rows = (labels == label).nonzero().flatten()
                codes = self.codes[label, : self.counts[label]]
                if not len(codes):
                    continue
                distances = torch.cdist(own[rows], codes)
                found = distances.topk(
                    min(number, len(codes)), dim=1, largest=False
                ).indices
                missing = number - found.shape[1]
                found = torch.cat([found, found[:, -1:].expand(-1, missing)], dim=1)
                nearest[rows] = codes[found]
        return nearest

    @torch.no_grad()
    def nearest_shapes(self, masks: Tensor, labels: Tensor, number: int) -> Tensor:
        """Masks of :meth:`nearest_codes`, as probabilities, (N, k, 28, 28)."""
        with torch.autocast(masks.device.type, enabled=False):
            return self.autoencoder.decode(self.nearest_codes(masks, labels, number))
