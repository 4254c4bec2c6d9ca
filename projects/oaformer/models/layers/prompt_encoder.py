"""Prompted queries: objects that enter the decoder as what is known of them."""

from typing import NamedTuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from ..task_modules.prompts import Prompts, level_masks


class PromptQueries(NamedTuple):
    """Queries of prompts, padded to the same number in each image.

    Attributes:
        query: Query features, (B, P, C).
        query_embed: Positional embedding, (B, P, C).
        attention_masks: Where each may look on each level, bool, (B, P, H_l * W_l).
        valid: Which are not padding, bool, (B, P).
    """

    query: Tensor
    query_embed: Tensor
    attention_masks: list[Tensor]
    valid: Tensor


class PromptEncoder(BaseModule):
    """Makes a query of what is known of an object.

    The content is the embedding of its class, or of an unknown one; where it is seen
    becomes the attention mask of the first layer on each feature level. Later layers
    look where the query's own mask is, as for any other query.

    Args:
        num_classes: Number of classes.
        embed_dims: Channels of the queries.
        box_prob: Training: share of objects given by the box of their visible part
            instead of its mask.
        unknown_prob: Training: share of objects whose class is not given.
        label_noise: Training: share of given classes that are drawn at random.
        mask_noise: Training: share of a level's cells that are inverted in a mask.
        box_noise: Training: largest shift of a box's side, in sizes of the box.
    """

    def __init__(
        self,
        num_classes: int,
        embed_dims: int,
        box_prob: float = 0.5,
        unknown_prob: float = 0.5,
        label_noise: float = 0.2,
        mask_noise: float = 0.1,
        box_noise: float = 0.1,
    ) -> None:
        super().__init__()
        self.mask_noise = mask_noise
        self.drawing = dict(
            num_classes=num_classes,
            box_prob=box_prob,
            unknown_prob=unknown_prob,
            label_noise=label_noise,
            box_noise=box_noise,
        )
        self.class_embed = nn.Embedding(num_classes + 1, embed_dims)
        # of masks and of boxes
        self.kind_embed = nn.Embedding(2, embed_dims)

    def forward(
        self, prompts: Prompts, level_sizes: list[tuple[int, int]]
    ) -> PromptQueries:
        """Queries of a batch of prompts, at least one for each image.

        Args:
            prompts: The objects.
            level_sizes: Height and width of each level, in the order of the decoder.
        """
        image, place = prompts.positions()
        shape = (len(prompts.counts), max(1, *prompts.counts))
        device = prompts.labels.device
        valid = torch.zeros(shape, dtype=torch.bool, device=device)
        valid[image, place] = True
        labels = prompts.labels.new_zeros(shape)
        labels[image, place] = prompts.labels
        kinds = labels.new_zeros(shape)
        kinds[image, place] = prompts.is_box.long()
        attention_masks = []
        for size in level_sizes:
            cells = level_masks(prompts.masks, size).flatten(1)
            if self.training and self.mask_noise:
                inverted = torch.rand(cells.shape, device=device) < self.mask_noise
                cells = cells ^ (inverted & ~prompts.is_box[:, None])
            # who sees nothing looks everywhere, as in Mask2Former; so does padding
            cells = cells | ~cells.any(dim=1, keepdim=True)
            level = valid.new_ones(*shape, cells.shape[1])
            level[image, place] = cells
            attention_masks.append(level)
        return PromptQueries(
            self.class_embed(labels), self.kind_embed(kinds), attention_masks, valid
        )


def self_attention_mask(num_queries: int, valid: Tensor) -> Tensor:
    """Free queries and prompted ones look only at their own kind, and at no padding.

    Args:
        num_queries: Number of free queries Q, which come first.
        valid: Which prompted queries are not padding, (B, P).

    Returns:
        bool, True where attention is allowed, (B, 1, Q + P, Q + P).
    """
    total = num_queries + valid.shape[1]
    allowed = valid.new_zeros(len(valid), 1, total, total)
    allowed[:, :, :num_queries, :num_queries] = True
    allowed[:, :, num_queries:, num_queries:] = valid[:, None, None, :]
    # attention over nothing would be NaN
    allowed.diagonal(dim1=2, dim2=3).fill_(True)
    return allowed
