"""Which objects hide one another, and the masks of what hides an object."""

import torch
from mmdet.structures.bbox import bbox_overlaps
from torch import Tensor

from ..task_modules import box_masks, mask_boxes

NEIGHBOUR_IOU = 0.05
"""From this overlap of boxes on an object is a neighbour, in the code of AISFormer."""

MIN_COVERED = 10
"""Smallest number of covered pixels, as for the occlusion order of the metric."""

RULES = ('neighbours', 'occluders')


def occluder_adjacency(
    amodal: Tensor, visible: Tensor, amodal_boxes: Tensor, rule: str
) -> Tensor:
    """Which objects count as occluders of which.

    Args:
        amodal: Amodal masks of the G objects of an image, bool or uint8, (G, H, W).
        visible: Their visible masks, (G, H, W).
        amodal_boxes: Boxes of the amodal masks, (G, 4).
        rule: 'neighbours': the box of its visible mask overlaps the amodal box by an
            IoU above 0.05, whether it lies in front or behind, as in the public code of
            AISFormer (Tran et al., BMVC 2022). 'occluders': its visible mask covers 10
            or more pixels of the amodal mask.

    Returns:
        Bool, (G, G): entry (i, j) is whether j is an occluder of i; none of itself.

    Raises:
        ValueError: If the rule is unknown.
    """
    if rule not in RULES:
        raise ValueError(f'the rule of occluders is one of {RULES}, not {rule!r}')
    if rule == 'neighbours':
        boxes, is_seen = mask_boxes(visible)
        adjacency = bbox_overlaps(amodal_boxes, boxes.to(amodal_boxes)) > NEIGHBOUR_IOU
        adjacency &= is_seen
    else:
        # (G, H * W) x (H * W, G): pixels of i that j covers
        covered = amodal.flatten(1).float() @ visible.flatten(1).float().T
        adjacency = covered >= MIN_COVERED
    return adjacency.fill_diagonal_(False)


def occluder_masks(visible: Tensor, adjacency: Tensor, amodal_boxes: Tensor) -> Tensor:
    """What hides each object, within its box.

    Args:
        visible: Visible masks of the objects of an image, bool or uint8, (G, H, W).
        adjacency: Result of :func:`occluder_adjacency`.
        amodal_boxes: Boxes of the amodal masks, (G, 4).

    Returns:
        The visible masks of its occluders together, without what is outside the box,
        bool, (G, H, W).
    """
    union = (adjacency.float() @ visible.flatten(1).float()) > 0
    return union.view_as(visible) & box_masks(amodal_boxes, visible.shape[1:]).bool()


def balanced_rows(occluders: Tensor) -> Tensor:
    """RoIs for the loss of occluders: those that have one, and as many others.

    BCNet's code adds the first RoIs of the batch, whether they have occluders or not.

    Args:
        occluders: Occluder mask of each RoI, bool, (N, h, w).

    Returns:
        Indices of the n RoIs with an occluder, then 0 to n - 1, (2n,).
    """
    rows = occluders.flatten(1).any(dim=1).nonzero()[:, 0]
    return torch.cat([rows, torch.arange(len(rows), device=rows.device)])
