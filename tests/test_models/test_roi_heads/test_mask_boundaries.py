import numpy as np
import torch
from scipy import ndimage

from oaformer.models.roi_heads.mask_boundaries import mask_boundaries


def test_by_hand():
    square, full, columns, point = torch.zeros(4, 5, 5, dtype=torch.bool)
    square[1:4, 1:4] = True
    full[:] = True
    columns[:, :2] = True
    point[2, 2] = True
    found = mask_boundaries(torch.stack([square, full, columns, point]))
    # 21 pixels of the dilated square without the one of the eroded
    assert found.sum((1, 2)).tolist() == [20, 0, 10, 5]
    assert found[2, :, 1:3].all()


def test_equal_to_scipy():
    rng = np.random.default_rng(0)
    masks = rng.random((50, 9, 7)) < 0.6
    expected = [
        ndimage.binary_dilation(mask) != ndimage.binary_erosion(mask, border_value=1)
        for mask in masks
    ]
    found = mask_boundaries(torch.from_numpy(masks))
    assert (found.numpy() == np.stack(expected)).all()
    # the masks stay as they are
    assert mask_boundaries(torch.zeros(0, 9, 7, dtype=torch.bool)).shape == (0, 9, 7)
