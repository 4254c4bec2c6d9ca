import torch
from torch import nn

from oaformer.deployment.group_norm import StagedGroupNorm, replace_group_norms


def norm(**options):
    torch.manual_seed(0)
    module = nn.GroupNorm(3, 12, **options).double()
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    return module


def test_equals_group_norm():
    x = torch.randn(2, 12, 5, 7, dtype=torch.float64) * 3 + 20
    for module in (norm(), norm(affine=False), norm(eps=0.5)):
        torch.testing.assert_close(StagedGroupNorm(module)(x), module(x))


def test_every_norm_is_replaced_and_nothing_else():
    inner = nn.Sequential(nn.Conv2d(12, 12, 1), norm())
    module = nn.Sequential(norm(), inner, nn.LayerNorm(4))
    weights = [parameter.data_ptr() for parameter in module.parameters()]
    replace_group_norms(module)
    kinds = [type(child).__name__ for child in (module[0], *inner, module[2])]
    assert kinds == ['StagedGroupNorm', 'Conv2d', 'StagedGroupNorm', 'LayerNorm']
    assert [parameter.data_ptr() for parameter in module.parameters()] == weights
