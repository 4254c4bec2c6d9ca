import runpy

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from torch import nn

from oaformer.datasets.synth_amodal import write_split

CONFIG = 'configs/synth/oaformer_tiny_synth.py'
BCNET = ['loss_mask'] + [
    f'loss_mask_{name}' for name in ('boundary', 'occluder', 'occluder_boundary')
]
HEAD = ['pixel_decoder', 'query_feat', 'odm', 'transformer_decoder']


@pytest.fixture(scope='module')
def tool(request):
    root = request.config.rootpath
    path = root / 'tools' / 'analysis_tools' / 'loss_gradients.py'
    return runpy.run_path(str(path))


def test_stages_and_levels_of_one_loss_are_added_up(tool):
    one, two, four = (torch.tensor(value) for value in (1.0, 2.0, 4.0))
    losses = {'d0.loss_mask': one, 'loss_mask': two, 'loss_rpn_cls': [two, four]}
    assert tool['sum_stages'](losses) == {'loss_mask': 3.0, 'loss_rpn_cls': 6.0}


def test_gradients_by_hand(tool):
    weight, other = nn.Parameter(torch.tensor([1.0, 2.0])), nn.Parameter(torch.ones(1))
    losses = dict(
        along=3 * weight[0],
        across=4 * weight[1],
        against=-3 * weight[0],
        elsewhere=other.sum(),
    )
    parts = dict(weight=[weight], none=[], both=[other, weight])
    found = tool['compare_gradients'](losses, parts)
    # the others: (-3, 4), (0, 0), (3, 4)
    assert found['along', 'weight'] == pytest.approx((3, -0.6))
    assert found['across', 'weight'] == pytest.approx((4, 0))
    assert found['against', 'weight'] == pytest.approx((3, -0.6))
    assert ('elsewhere', 'weight') not in found
    assert not any(part == 'none' for _, part in found)
    # as one vector, with zeros where a loss does not reach
    assert found['elsewhere', 'both'] == pytest.approx((1, 0))
    # the others: (1, -3, 4)
    assert found['along', 'both'] == pytest.approx((3, -3 / 26**0.5))


@pytest.mark.parametrize(
    ('name', 'losses', 'parts'),
    [
        (
            'oaformer_tiny_synth',
            ['loss_cls', 'loss_mask', 'loss_dice', 'loss_occlusion'],
            ['backbone', *(f'panoptic_head.{part}' for part in HEAD)],
        ),
        (
            'mask-rcnn_tiny_synth',
            ['loss_rpn_cls', 'loss_rpn_bbox', 'loss_cls', 'loss_bbox', 'loss_mask'],
            ['backbone', 'neck', 'rpn_head.rpn_conv', 'roi_head.mask_head'],
        ),
        (
            'bcnet-fcos_tiny_synth',
            ['loss_cls', 'loss_bbox', 'loss_centerness', *BCNET],
            ['backbone', 'neck', 'bbox_head.conv_reg', 'roi_head.mask_head'],
        ),
    ],
)
def test_of_a_model(
    tool, repo_root, tmp_path, monkeypatch, capsys, name, losses, parts
):
    write_split(str(tmp_path / 'data' / 'synth_amodal'), 'train', 4)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('COLUMNS', '200')
    config = str(repo_root / 'configs' / 'synth' / f'{name}.py')
    model = MODELS.build(Config.fromfile(config).model)
    torch.save(dict(state_dict=model.state_dict()), 'model.pth')
    options = ['train_dataloader.batch_size=2', 'model.train_cfg.num_points=64']
    tool['main']([config, 'model.pth', '--batches', '1', '--cfg-options', *options])
    out = capsys.readouterr().out
    assert all(loss in out for loss in losses)
    rows = [line.split('│') for line in out.splitlines()]
    cells = {row[1].strip(): row[2:-1] for row in rows if len(row) > 2}
    assert set(parts) <= cells.keys()
    reached = {part: [cell.strip() != '-' for cell in cells[part]] for part in parts}
    assert reached['backbone'] == [True] * len(losses)
    if not name.startswith('oaformer'):
        masks = [loss.startswith('loss_mask') for loss in losses]
        assert reached['roi_head.mask_head'] == masks


def test_wrong_usage_ends_with_one_line(tool, repo_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(dict(state_dict=dict(weight=torch.ones(1))), 'other.pth')
    for name, words in {
        'absent.pth': 'no checkpoint absent.pth',
        'other.pth': 'other.pth does not fit the config',
    }.items():
        with pytest.raises(SystemExit, match=words):
            tool['main']([str(repo_root / CONFIG), name])
    with pytest.raises(SystemExit):
        tool['main'](['config.py', 'absent.pth', '--batches', '0'])
