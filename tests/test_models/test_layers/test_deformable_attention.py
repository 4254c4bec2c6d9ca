import pytest
import torch
from mmcv.ops.multi_scale_deform_attn import multi_scale_deformable_attn_pytorch

from oaformer.models.layers import deformable_attention


def arguments(
    shapes, batch_size=2, queries=11, heads=3, channels=4, points=2, dtype=torch.float64
):
    """Random features and points, some far outside the image."""
    torch.manual_seed(0)
    shapes = torch.tensor(shapes)
    areas = shapes.prod(1)
    starts = torch.cat([areas.new_zeros(1), areas.cumsum(0)[:-1]])
    value = torch.randn(batch_size, int(areas.sum()), heads, channels, dtype=dtype)
    grid = (batch_size, queries, heads, len(shapes), points)
    locations = torch.rand(*grid, 2, dtype=dtype) * 2 - 0.5
    locations[:, 0] = torch.randn_like(locations[:, 0]) * 1e4
    weights = torch.randn(*grid, dtype=dtype)
    return value, shapes, starts, locations, weights


def with_gradients(attend, *tensors):
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    output = attend(*leaves)
    torch.manual_seed(1)
    output.backward(torch.randn_like(output))
    return [output, *(leaf.grad for leaf in leaves)]


@pytest.mark.parametrize(
    ('shapes', 'tolerance', 'options'),
    [
        ([[3, 5]], 1e-7, dict(batch_size=1)),
        ([[1, 1], [4, 2]], 1e-7, {}),
        ([[7, 4], [4, 7], [1, 9]], 1e-7, {}),
        ([[40, 30], [20, 15]], 1e-4, dict(queries=500, dtype=torch.float32)),
    ],
)
def test_equals_mmcvs_reference(shapes, tolerance, options):
    value, shapes, starts, *others = arguments(shapes, **options)
    expected = with_gradients(
        lambda value, *others: multi_scale_deformable_attn_pytorch(
            value, shapes, *others
        ),
        value,
        *others,
    )
    result = with_gradients(
        lambda value, *others: deformable_attention(value, shapes, starts, *others),
        value,
        *others,
    )
    for ours, plain in zip(result, expected, strict=True):
        torch.testing.assert_close(ours, plain, rtol=tolerance, atol=tolerance)


def test_one_point_by_hand():
    # Between the second and third of four pixels, a quarter of the way.
    value = torch.tensor([1.0, 2.0, 6.0, 8.0]).view(1, 4, 1, 1)
    locations = torch.tensor([1.75 / 4, 0.5]).view(1, 1, 1, 1, 1, 2)
    weights = torch.full((1, 1, 1, 1, 1), 10.0)
    output = deformable_attention(
        value, torch.tensor([[1, 4]]), torch.tensor([0]), locations, weights
    )
    assert output.item() == pytest.approx(10 * (0.75 * 2 + 0.25 * 6))


def test_keeps_nothing_but_its_arguments():
    value, shapes, starts, locations, weights = arguments([[3, 4], [2, 2]])
    leaves = [tensor.requires_grad_() for tensor in (value, locations, weights)]
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: saved.append(tensor.data_ptr()) or tensor, lambda tensor: tensor
    ):
        deformable_attention(*leaves[:1], shapes, starts, *leaves[1:])
    assert set(saved) <= {leaf.data_ptr() for leaf in leaves}


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single(dtype):
    value, shapes, starts, locations, weights = arguments(
        [[40, 30]], dtype=torch.float32
    )
    value = value.to(dtype)
    output = deformable_attention(value, shapes, starts, locations, weights)
    expected = deformable_attention(value.float(), shapes, starts, locations, weights)
    assert output.dtype == dtype
    assert torch.equal(output, expected.to(dtype))


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16])
def test_mmcvs_kernel_equals_the_cpus_way(dtype):
    shapes = [[40, 30], [20, 15]]
    tensors = arguments(shapes, channels=32, heads=8, dtype=torch.float32)
    tensors = [tensors[0].to(dtype), *tensors[1:]]
    outputs = []
    for device in ('cpu', 'cuda'):
        value, *others = (tensor.detach().to(device) for tensor in tensors)
        value.requires_grad_()
        output = deformable_attention(value, *others)
        output.float().square().sum().backward()
        outputs.append((output.cpu(), value.grad.cpu()))
    for cpu, cuda in zip(*outputs, strict=True):
        torch.testing.assert_close(cuda, cpu, rtol=1e-2, atol=1e-2)
