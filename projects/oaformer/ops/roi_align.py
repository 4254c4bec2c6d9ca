"""RoIAlign (He et al., ICCV 2017) as bags of weighted feature vectors.

Each bin of a RoI is the mean of bilinear samples, so a weighted sum of rows of the
feature map. ``torch.nn.functional.embedding_bag`` computes the sums of all bins of all
RoIs at once without storing a sample. Which rows and weights is worked out per axis,
because a sample's bilinear weight is the product of its weights along y and x.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

# Summands whose rows and weights are in memory at once.
_MAX_ENTRIES = 1 << 22


def roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Write the bins' means to ``output``, equal to MMCV's compiled operator.

    Args:
        input: Feature map, (B, C, H, W).
        rois: Image index, x1, y1, x2, y2 in pixels of the image, (N, 5).
        output: (N, C, aligned_height, aligned_width).
        argmax_y: Unused, for maximum pooling.
        argmax_x: Unused, for maximum pooling.
        aligned_height: Rows of bins.
        aligned_width: Columns of bins.
        spatial_scale: Pixels of the feature map per pixel of the image.
        sampling_ratio: Samples along each side of a bin; 0: one for each pixel begun.
        pool_mode: 1, the mean.
        aligned: Whether pixels' centers are at whole numbers plus 0.5.

    Raises:
        RuntimeError: With maximum pooling (``pool_mode=0``).
    """
    _check_pool_mode(pool_mode)
    # (B, C, H, W) -> (B * H * W, C)
    table = _wide(input).permute(0, 2, 3, 1).reshape(-1, input.shape[1])
    grid = (aligned_height, aligned_width)
    options = (grid, spatial_scale, sampling_ratio, aligned)
    for part, bags in _parts(input, rois, *options):
        means = F.embedding_bag(
            bags.rows,
            table,
            bags.starts,
            per_sample_weights=bags.weights,
            mode='sum',
            include_last_offset=True,
        )
        # (n * h * w, C) -> (n, C, h, w)
        output[part] = (
            means.view(-1, *grid, input.shape[1]).permute(0, 3, 1, 2).to(output)
        )


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Add the feature map's gradient to ``grad_input``.

    The arguments are those of :func:`roi_align_forward`, with the gradient of its
    output, (N, C, aligned_height, aligned_width), and of its input, (B, C, H, W).

    Raises:
        RuntimeError: With maximum pooling (``pool_mode=0``).
    """
    _check_pool_mode(pool_mode)
    batch_size, channels, height, width = grad_input.shape
    grid = (aligned_height, aligned_width)
    options = (grid, spatial_scale, sampling_ratio, aligned)
    for part, bags in _parts(grad_input, rois, *options):
        # (n, C, h, w) -> (n * h * w, C)
        table = _wide(grad_output[part]).permute(0, 2, 3, 1).reshape(-1, channels)
        transposed = bags.transpose(batch_size * height * width)
        grads = F.embedding_bag(
            transposed.rows,
            table,
            transposed.starts,
            per_sample_weights=transposed.weights,
            mode='sum',
            include_last_offset=True,
        )
        # (B * H * W, C) -> (B, C, H, W)
        grads = grads.view(batch_size, height, width, channels).permute(0, 3, 1, 2)
        grad_input += grads.to(grad_input)


class _Bags(NamedTuple):
    """A sparse matrix: row, weight of each entry and where each bag begins."""

    rows: Tensor
    weights: Tensor
    starts: Tensor

    def transpose(self, num_rows: int) -> '_Bags':
        """The bags of each row: scattering is gathering by the transposed matrix."""
        rows, order = self.rows.sort()
        sizes = self.starts.diff()
        bags = torch.arange(len(sizes), device=rows.device).repeat_interleave(sizes)
        starts = F.pad(rows.bincount(minlength=num_rows).cumsum(0), (1, 0))
        return _Bags(bags[order], self.weights[order], starts)


def _parts(
    features: Tensor,
    rois: Tensor,
    grid: tuple[int, int],
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool,
) -> Iterator[tuple[slice, _Bags]]:
    """Consecutive RoIs and their bags, by as many as memory allows at once."""
    rois = _wide(rois)
    height, width = features.shape[-2:]
    boxes = rois[:, 1:] * spatial_scale - (0.5 if aligned else 0.0)
    low = boxes[:, :2]
    sizes = boxes[:, 2:] - low
    if not aligned:
        sizes = sizes.clamp(min=1)
    bins = sizes.new_tensor([grid[1], grid[0]])
    if sampling_ratio > 0:
        samples = torch.full_like(sizes, sampling_ratio)
    else:
        samples = (sizes / bins).ceil().clamp(min=0)
    samples = samples.long()
    first_rows = rois[:, 0].long() * (height * width)

    ends = (samples.prod(dim=1) * (4 * grid[0] * grid[1])).cumsum(0).tolist()
    start = 0
    while start < len(rois):
        stop = start + 1
        limit = (ends[start - 1] if start else 0) + _MAX_ENTRIES
        while stop < len(rois) and ends[stop] <= limit:
            stop += 1
        part = slice(start, stop)
        x, y = low[part].unbind(1)
        size_x, size_y = sizes[part].unbind(1)
        samples_x, samples_y = samples[part].unbind(1)
        along_x = _axis_bags(x, size_x, samples_x, grid[1], width)
        along_y = _axis_bags(y, size_y, samples_y, grid[0], height)
        yield part, _product(along_y, along_x, grid, first_rows[part], width)
        start = stop


def _axis_bags(
    low: Tensor, size: Tensor, samples: Tensor, bins: int, length: int
) -> _Bags:
    """Positions and weights of all bins along one axis: two for each sample.

    Args:
        low: Where each RoI begins, (N,).
        size: Length of each RoI, (N,).
        samples: Samples per bin of each RoI, (N,).
        bins: Bins of a RoI along this axis.
        length: Length of the feature map along this axis.

    Returns:
        N * bins bags.
    """
    per_bin = samples.repeat_interleave(bins)
    starts = F.pad(per_bin.cumsum(0), (1, 0))
    bag = torch.arange(len(per_bin), device=low.device).repeat_interleave(per_bin)
    index = torch.arange(len(bag), device=low.device) - starts[bag]
    roi = bag // bins
    bin_size = (size / bins)[roi]
    count = samples[roi]
    steps = (index.to(low) + 0.5) * bin_size / count
    position = low[roi] + bag % bins * bin_size + steps
    # farther out a sample is zero
    inside = (position >= -1) & (position <= length)
    position = position.clamp(0, length - 1)
    before = position.floor()
    share = position - before
    before = before.long()
    rows = torch.stack([before, (before + 1).clamp(max=length - 1)], dim=1)
    weights = torch.stack([1 - share, share], dim=1) * (inside.to(low) / count)[:, None]
    return _Bags(rows.flatten(), weights.flatten(), 2 * starts)


def _product(
    along_y: _Bags,
    along_x: _Bags,
    grid: tuple[int, int],
    first_rows: Tensor,
    width: int,
) -> _Bags:
    """The bags of each RoI's bins from those along its axes, (N * h * w) bags."""
    num_rois = len(first_rows)
    # (N, h, w): the bag of each bin along y and x
    shape = (num_rois, *grid)
    index = torch.arange(num_rois * grid[0], device=first_rows.device)
    bag_y = index.view(num_rois, grid[0], 1).expand(shape).flatten()
    index = torch.arange(num_rois * grid[1], device=first_rows.device)
    bag_x = index.view(num_rois, 1, grid[1]).expand(shape).flatten()
    sizes_x = along_x.starts.diff()[bag_x]
    sizes = along_y.starts.diff()[bag_y] * sizes_x
    starts = F.pad(sizes.cumsum(0), (1, 0))
    bag = torch.arange(len(sizes), device=sizes.device).repeat_interleave(sizes)
    index = torch.arange(len(bag), device=bag.device) - starts[bag]
    index_y = index // sizes_x[bag]
    index_x = index - index_y * sizes_x[bag]
    entry_y = along_y.starts[bag_y][bag] + index_y
    entry_x = along_x.starts[bag_x][bag] + index_x
    rows = along_y.rows[entry_y] * width + along_x.rows[entry_x]
    rows += first_rows[bag // (grid[0] * grid[1])]
    return _Bags(rows, along_y.weights[entry_y] * along_x.weights[entry_x], starts)


def _wide(tensor: Tensor) -> Tensor:
    """At least float32: half a position's precision is off by pixels."""
    return tensor.float() if tensor.element_size() < 4 else tensor


def _check_pool_mode(pool_mode: int) -> None:
    if pool_mode != 1:
        raise RuntimeError(
            "RoIAlign with pool_mode='max' needs MMCV's compiled operators: see "
            "docs/install.md. pool_mode='avg' works without them."
        )
