import numpy as np
import pytest

from oaformer.structures import encode_masks, encode_region


@pytest.mark.parametrize('seed', range(300))
def test_equals_the_encoding_of_the_whole_picture(seed):
    """Regions of any size and place, empty, full and touching every edge."""
    rng = np.random.default_rng(seed)
    height, width = (int(side) for side in rng.integers(1, 12, 2))
    rows, columns = rng.integers(0, height + 1), rng.integers(0, width + 1)
    top = int(rng.integers(0, height - rows + 1))
    left = int(rng.integers(0, width - columns + 1))
    region = rng.random((rows, columns)) < rng.choice([0, 0.2, 0.8, 1])
    whole = np.zeros((height, width), dtype=bool)
    whole[top : top + rows, left : left + columns] = region
    assert (
        encode_region(region, top, left, height, width) == encode_masks(whole[None])[0]
    )
