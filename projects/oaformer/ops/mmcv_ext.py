"""The module ``mmcv._ext`` in PyTorch: signatures and results of the compiled one.

It has what OAFormer and MMDetection's RoI and FCOS heads call. Names, arguments and the
convention to write results into an argument are MMCV's (``mmcv/ops/csrc/pytorch``).
"""

from collections.abc import Callable
from typing import Any, NoReturn

import torch
from torch import Tensor

from .focal_loss import sigmoid_focal_loss_backward, sigmoid_focal_loss_forward
from .nms import nms
from .roi_align import roi_align_backward, roi_align_forward

__all__ = [
    'ms_deform_attn_backward',
    'ms_deform_attn_forward',
    'nms',
    'roi_align_backward',
    'roi_align_forward',
    'sigmoid_focal_loss_backward',
    'sigmoid_focal_loss_forward',
]


def ms_deform_attn_forward(
    value: Tensor,
    spatial_shapes: Tensor,
    level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    im2col_step: int,
) -> Tensor:
    """MMCV's own deformable attention without a kernel, by ``grid_sample``."""
    from mmcv.ops.multi_scale_deform_attn import multi_scale_deformable_attn_pytorch

    return multi_scale_deformable_attn_pytorch(
        value, spatial_shapes, sampling_locations, attention_weights
    )


def ms_deform_attn_backward(
    value: Tensor,
    spatial_shapes: Tensor,
    level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    grad_output: Tensor,
    grad_value: Tensor,
    grad_sampling_loc: Tensor,
    grad_attn_weight: Tensor,
    im2col_step: int,
) -> None:
    """Gradients of :func:`ms_deform_attn_forward`, which is computed once more."""
    leaves = [
        tensor.detach().requires_grad_()
        for tensor in (value, sampling_locations, attention_weights)
    ]
    value, sampling_locations, attention_weights = leaves
    with torch.enable_grad():
        output = ms_deform_attn_forward(
            value,
            spatial_shapes,
            level_start_index,
            sampling_locations,
            attention_weights,
            im2col_step,
        )
    grads = torch.autograd.grad(output, leaves, grad_output)
    outputs = (grad_value, grad_sampling_loc, grad_attn_weight)
    for grad, out in zip(grads, outputs, strict=True):
        out.copy_(grad)


def __getattr__(name: str) -> Callable[..., NoReturn]:
    """Any other operator: ``mmcv.ops`` imports it, and calling it is an error."""
    if name.startswith('__'):
        raise AttributeError(name)

    def missing(*args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(
            f"MMCV's operator {name} needs MMCV's compiled operators, and this MMCV "
            'was installed without them. `bash tools/setup_env.sh --compiled` '
            'installs an MMCV that has them; docs/install.md has other ways.'
        )

    return missing
