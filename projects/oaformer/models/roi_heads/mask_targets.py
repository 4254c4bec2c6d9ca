"""Targets of mask heads: what of a mask lies in a RoI."""

import torch
from mmcv.ops import roi_align
from torch import Tensor


def roi_mask_targets(
    masks: Tensor, boxes: Tensor, objects: Tensor, size: tuple[int, int]
) -> Tensor:
    """Crop all kinds of masks to boxes, at the size of a head's prediction.

    The same as MMDetection's ``mask_target``, bit for bit. That copies the mask of an
    object for each of its RoIs; here RoIAlign reads it where it is.

    Args:
        masks: K kinds of masks of the G objects of an image, bool or uint8,
            (G, K, H, W).
        boxes: RoIs, x1, y1, x2, y2 in pixels, (N, 4).
        objects: Index of the object of each RoI, (N,).
        size: Height and width of the crops.

    Returns:
        Whether at least half of a cell is inside the mask, bool, (N, K, *size).
    """
    kinds, height, width = masks.shape[1:]
    if not len(boxes):
        return masks.new_zeros((0, kinds, *size), dtype=torch.bool)
    limit = boxes.new_tensor([width, height, width, height])
    boxes = boxes.clamp(min=0).minimum(limit)
    rois = torch.cat([objects[:, None].to(boxes), boxes], dim=1)
    # the object is RoIAlign's image, its masks are the channels
    return roi_align(masks.to(boxes), rois, size, 1.0, 0, 'avg', True) >= 0.5
