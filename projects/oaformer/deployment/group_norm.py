"""Group norm that keeps its precision in ONNX Runtime."""

from torch import Tensor, nn


class StagedGroupNorm(nn.Module):
    """Group norm whose means are taken axis by axis.

    ONNX Runtime adds a group's values up one after the other, a million of them on a
    large image, and loses digits that decide on attention masks. Sums of a few
    hundred values don't.

    Args:
        norm: The norm to stand for.
    """

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, H, W)."""
        # (B, C, H, W) -> (B, groups, C / groups, H, W)
        groups = x.reshape(x.shape[0], self.norm.num_groups, -1, x.shape[2], x.shape[3])
        centred = groups - _mean(groups)
        variance = _mean(centred * centred)
        normed = (centred / (variance + self.norm.eps).sqrt()).reshape(x.shape)
        if not self.norm.affine:
            return normed
        return normed * self.norm.weight[:, None, None] + self.norm.bias[:, None, None]


def replace_group_norms(module: nn.Module) -> None:
    """Put :class:`StagedGroupNorm` in the place of each group norm of a module."""
    for name, child in list(module.named_children()):
        if isinstance(child, nn.GroupNorm):
            setattr(module, name, StagedGroupNorm(child))
        else:
            replace_group_norms(child)


def _mean(groups: Tensor) -> Tensor:
    for dim in (4, 3, 2):
        groups = groups.mean(dim, keepdim=True)
    return groups
