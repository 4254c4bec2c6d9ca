import numpy as np
import torch

from oaformer.models.postprocessors.region_encoder import RegionEncoder
from oaformer.structures import encode_masks


def test_regions_of_all_sizes_are_encoded_in_their_order():
    size = height, width = (12, 17)
    rng = np.random.default_rng(0)
    encoder = RegionEncoder(size, torch.device('cpu'))
    masks = np.zeros((100, *size), bool)
    for mask in masks:
        top, bottom = np.sort(rng.integers(0, height + 1, 2))
        left, right = np.sort(rng.integers(0, width + 1, 2))
        region = rng.random((bottom - top, right - left)) < 0.5
        mask[top:bottom, left:right] = region
        encoder.add(torch.from_numpy(region), top, left)
    assert encoder.finish() == encode_masks(masks)
