"""Predicted RoI masks to run-length encodings of the image's size."""

from mmdet.models.roi_heads.mask_heads.fcn_mask_head import _do_paste_mask
from torch import Tensor

from ...structures import RLE
from ..postprocessors import RegionEncoder


def paste_masks(
    probabilities: Tensor, boxes: Tensor, size: tuple[int, int], threshold: float
) -> list[RLE]:
    """Paste masks into their boxes and encode them.

    The same masks as those of ``FCNMaskHead``, which fills a bitmap of the whole image
    for each; here only what is in and around a box is built.

    Args:
        probabilities: Mask of each instance in its box, (N, h, w).
        boxes: The boxes, x1, y1, x2, y2 in pixels of the image, (N, 4).
        size: Height and width of the image.
        threshold: Lowest probability inside a mask.

    Returns:
        N RLEs.
    """
    encoder = RegionEncoder(size, boxes.device)
    # (N, h, w) -> N x (1, 1, h, w)
    for mask, box in zip(probabilities[:, None, None], boxes[:, None], strict=True):
        region, (rows, columns) = _do_paste_mask(mask, box, *size, skip_empty=True)
        encoder.add(region[0] >= threshold, int(rows.start), int(columns.start))
    return encoder.finish()
