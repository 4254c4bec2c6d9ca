import pytest
import torch
import torch.nn.functional as F

from oaformer.models.postprocessors import (
    ImageSizes,
    MaskUpsampler,
    positive_boxes,
    region_quality,
)

CPU = torch.device('cpu')
SIZES = [
    ImageSizes((64, 96), (64, 96), None),
    ImageSizes((64, 96), (60, 90), None),
    ImageSizes((64, 96), (60, 90), (117, 175)),
    ImageSizes((64, 96), (61, 96), (31, 50)),
    ImageSizes((64, 96), (33, 7), (200, 300)),
]


def plain(masks, sizes):
    """Both resizes of whole masks, as MMDetection does them."""
    masks = F.interpolate(
        masks[None], sizes.batch_input, mode='bilinear', align_corners=False
    )[..., : sizes.image[0], : sizes.image[1]]
    if sizes.output is not None:
        masks = F.interpolate(masks, sizes.output, mode='bilinear', align_corners=False)
    return masks[0]


def blobs(count=6, height=16, width=24, seed=0):
    """Smooth masks that are empty in most of the image, one of them everywhere."""
    generator = torch.Generator().manual_seed(seed)
    centre = torch.rand(count, 2, 1, 1, generator=generator)
    rows = torch.linspace(0, 1, height)[:, None]
    columns = torch.linspace(0, 1, width)[None]
    distance = (rows - centre[:, 0]) ** 2 + (columns - centre[:, 1]) ** 2
    masks = 3 - 60 * distance
    masks[0] -= 10
    return masks


@pytest.mark.parametrize('sizes', SIZES)
@pytest.mark.parametrize('kind', ['blobs', 'noise'])
def test_regions_equal_the_whole_masks(sizes, kind):
    masks = blobs()
    if kind == 'noise':
        masks = torch.randn(6, 16, 24, generator=torch.Generator().manual_seed(1))
    upsampler = MaskUpsampler((16, 24), sizes, CPU)
    expected = plain(masks, sizes)
    assert expected.shape[1:] == sizes.result
    for mask, box, whole in zip(masks, positive_boxes(masks), expected, strict=True):
        region = upsampler.region(mask, box)
        height, width = region.logits.shape
        inside = (
            slice(region.top, region.top + height),
            slice(region.left, region.left + width),
        )
        torch.testing.assert_close(region.logits, whole[inside], rtol=1e-4, atol=1e-4)
        rest = whole.clone()
        rest[inside] = -1
        # 1e-6: what rounding may lift above 0 where all sources are 0 or less
        assert (rest <= 1e-6).all()


def test_a_mask_that_is_empty_or_in_the_padding_has_an_empty_region():
    masks = -torch.ones(2, 16, 24)
    masks[0, 15, 23] = 1
    upsampler = MaskUpsampler((16, 24), ImageSizes((64, 96), (40, 50), (80, 100)), CPU)
    for mask, box in zip(masks, positive_boxes(masks), strict=True):
        logits = upsampler.region(mask, box).logits
        assert logits.numel() == 0
        assert region_quality(logits) == 0


def test_positive_boxes_by_hand():
    masks = -torch.ones(3, 5, 7)
    masks[0, 1:4, 2] = 1
    masks[1, 4, 6] = 1
    assert positive_boxes(masks) == [(1, 3, 2, 2), (4, 4, 6, 6), (0, -1, 0, -1)]


def test_quality_by_hand():
    """Mean of sigmoid(logit of 0.75) inside; outside does not count."""
    logit = torch.logit(torch.tensor(0.75))
    logits = torch.tensor([[1.0, 0.0], [1.0, -5.0]]) * logit
    torch.testing.assert_close(
        region_quality(logits), torch.tensor(0.75), rtol=0, atol=1e-5
    )
