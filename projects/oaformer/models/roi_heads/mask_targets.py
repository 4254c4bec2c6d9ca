"""Targets of mask heads: what of a mask lies in a RoI."""

import torch
from mmcv.ops import roi_align
from torch import Tensor


def roi_mask_targets(
    masks: Tensor, boxes: Tensor, objects: Tensor, size: tuple[int, int]
) -> Tensor:
    """Crop masks to boxes, at the size of a head's prediction.

    The same as MMDetection's ``mask_target``, bit for bit. That copies the mask of an
    object for each of its RoIs; here RoIAlign reads it where it is.

    Args:
        masks: Masks of the G objects of an image, bool or uint8, (G, H, W).
        boxes: RoIs, x1, y1, x2, y2 in pixels, (N, 4).
        objects: Index of the object of each RoI, (N,).
        size: Height and width of the crops.

    Returns:
        Whether at least half of a cell is inside the mask, bool, (N, *size).
    """
    height, width = masks.shape[1:]
    if not len(boxes):
        return masks.new_zeros((0, *size), dtype=torch.bool)
    limit = boxes.new_tensor([width, height, width, height])
    boxes = boxes.clamp(min=0).minimum(limit)
    rois = torch.cat([objects[:, None].to(boxes), boxes], dim=1)
    # (G, H, W) -> (G, 1, H, W), of which RoIAlign reads the object's
    shares = roi_align(masks[:, None].to(boxes), rois, size, 1.0, 0, 'avg', True)
    return shares[:, 0] >= 0.5
