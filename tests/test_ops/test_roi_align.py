import itertools

import pytest
import torch

from oaformer.ops import roi_align as module
from oaformer.ops.roi_align import roi_align_backward, roi_align_forward

SETTINGS = list(itertools.product([(1, 1), (7, 7), (5, 14)], [0, 2], [True, False]))


def scene(num_rois, dtype=torch.float32):
    """Feature maps of two images and RoIs, some of them beyond the border."""
    generator = torch.Generator().manual_seed(num_rois)
    features = torch.randn(2, 6, 25, 35, generator=generator, dtype=dtype)
    low = torch.rand(num_rois, 2, generator=generator) * 160 - 20
    size = torch.rand(num_rois, 2, generator=generator) ** 2 * 200
    size[::9] = 0
    image = torch.randint(0, 2, (num_rois, 1), generator=generator)
    return features, torch.cat([image, low, low + size], dim=1).to(dtype)


def options(grid, ratio, aligned):
    return dict(
        aligned_height=grid[0],
        aligned_width=grid[1],
        spatial_scale=0.25,
        sampling_ratio=ratio,
        pool_mode=1,
        aligned=aligned,
    )


def forward(operator, features, rois, settings):
    size = (settings['aligned_height'], settings['aligned_width'])
    output = features.new_zeros(len(rois), features.shape[1], *size)
    unused = features.new_zeros(0)
    operator(features, rois, output, unused, unused, **settings)
    return output


def backward(operator, grad, rois, shape, settings):
    grad_input = grad.new_zeros(shape)
    unused = grad.new_zeros(0)
    operator(grad, rois, unused, unused, grad_input, **settings)
    return grad_input


@pytest.mark.parametrize(('grid', 'ratio', 'aligned'), SETTINGS)
@pytest.mark.parametrize(
    ('dtype', 'tolerance'), [(torch.float32, 4e-6), (torch.float64, 1e-13)]
)
def test_equal_to_the_compiled_operator(
    compiled, grid, ratio, aligned, dtype, tolerance, monkeypatch
):
    monkeypatch.setattr(module, '_MAX_ENTRIES', 5000)  # several parts
    settings = options(grid, ratio, aligned)
    for num_rois in (0, 1, 40):
        features, rois = scene(num_rois, dtype)
        ours = forward(roi_align_forward, features, rois, settings)
        expected = forward(compiled.roi_align_forward, features, rois, settings)
        torch.testing.assert_close(ours, expected, rtol=0, atol=tolerance)

        grad = torch.randn_like(expected)
        arguments = (grad, rois, features.shape, settings)
        ours = backward(roi_align_backward, *arguments)
        expected = backward(compiled.roi_align_backward, *arguments)
        scale = max(1, expected.abs().max().item())
        torch.testing.assert_close(ours, expected, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize(('grid', 'ratio', 'aligned'), SETTINGS)
def test_the_gradient_is_the_transposed_operator(grid, ratio, aligned):
    settings = options(grid, ratio, aligned)
    features, rois = scene(30, torch.float64)
    output = forward(roi_align_forward, features, rois, settings)
    grad = torch.randn_like(output)
    grad_input = backward(roi_align_backward, grad, rois, features.shape, settings)
    torch.testing.assert_close((output * grad).sum(), (features * grad_input).sum())


def test_a_plane_is_read_at_the_centers_of_the_bins():
    # features whose value is x + 100 y at the center of pixel (x, y)
    y, x = torch.meshgrid(torch.arange(20.0), torch.arange(30.0), indexing='ij')
    features = (x + 0.5 + 100 * (y + 0.5))[None, None]
    # 8 x 4 pixels of the map: 2 x 4 bins of 4 x 1 pixels
    rois = torch.tensor([[0.0, 8, 16, 40, 32]])
    for ratio in (0, 2):
        output = forward(
            roi_align_forward, features, rois, options((4, 2), ratio, True)
        )
        expected = [[c + 100 * r for c in (4, 8)] for r in (4.5, 5.5, 6.5, 7.5)]
        torch.testing.assert_close(output[0, 0], torch.tensor(expected))


def test_half_precision_is_rounded_only_at_the_end():
    features, rois = scene(20)
    features = features.half()
    settings = options((7, 7), 2, True)
    output = forward(roi_align_forward, features, rois.half(), settings)
    expected = forward(
        roi_align_forward, features.float(), rois.half().float(), settings
    )
    assert torch.equal(output, expected.half())
    grad = torch.randn_like(output)
    grad_input = backward(roi_align_backward, grad, rois, features.shape, settings)
    assert grad_input.dtype == torch.float16


def test_maximum_pooling_is_refused():
    features, rois = scene(2)
    settings = dict(options((7, 7), 2, True), pool_mode=0)
    with pytest.raises(RuntimeError, match="pool_mode='max' needs MMCV's compiled"):
        forward(roi_align_forward, features, rois, settings)
    with pytest.raises(RuntimeError, match="pool_mode='max'"):
        grad = features.new_zeros(2, 6, 7, 7)
        backward(roi_align_backward, grad, rois, features.shape, settings)
