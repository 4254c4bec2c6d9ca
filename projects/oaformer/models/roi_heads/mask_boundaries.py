"""Boundaries of masks."""

import torch
from torch import Tensor


def mask_boundaries(masks: Tensor) -> Tensor:
    """Pixels that touch a boundary from either side.

    Dilation and erosion with the 3 x 3 cross differ there, as in BCNet's code (Ke et
    al., Deep Occlusion-Aware Instance Segmentation with Overlapping BiLayers, CVPR
    2021). What lies outside is background for the dilation and foreground for the
    erosion, so the edge of the array is no boundary.

    Args:
        masks: Bool, (N, h, w).

    Returns:
        Bool, (N, h, w).
    """
    dilated, eroded = masks.clone(), masks.clone()
    for dim in (1, 2):
        length = masks.shape[dim]
        for target, source in ((0, 1), (1, 0)):
            near = masks.narrow(dim, source, length - 1)
            dilated.narrow(dim, target, length - 1).logical_or_(near)
            eroded.narrow(dim, target, length - 1).logical_and_(near)
    return torch.logical_xor(dilated, eroded)
