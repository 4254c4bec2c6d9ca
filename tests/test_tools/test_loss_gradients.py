import runpy

import pytest
import torch
from torch import nn

from oaformer.datasets.synth_amodal import write_split


@pytest.fixture(scope='module')
def tool(request):
    root = request.config.rootpath
    path = root / 'tools' / 'analysis_tools' / 'loss_gradients.py'
    return runpy.run_path(str(path))


def test_stages_of_one_loss_are_added_up(tool):
    losses = {'d0.loss_mask': 1.0, 'loss_mask': 2.0, 'd3.loss_cls': 4.0}
    assert tool['sum_stages'](losses) == {'loss_mask': 3.0, 'loss_cls': 4.0}


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


def test_of_a_model(tool, tmp_path, monkeypatch, capsys):
    from mmdet.registry import MODELS
    from mmengine.config import Config

    write_split(str(tmp_path / 'data' / 'synth_amodal'), 'train', 4)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('COLUMNS', '200')
    root = tool['REPO_ROOT']
    config = str(root / 'configs' / 'synth' / 'oaformer_tiny_synth.py')
    model = MODELS.build(Config.fromfile(config).model)
    torch.save(dict(state_dict=model.state_dict()), 'model.pth')
    options = ['train_dataloader.batch_size=2', 'model.train_cfg.num_points=64']
    arguments = [config, 'model.pth', '--batches', '1', '--cfg-options', *options]
    tool['main'](arguments)
    table = capsys.readouterr().out
    for name in ('loss_cls', 'loss_mask', 'loss_dice', 'loss_occlusion'):
        assert name in table
    for part in tool['PARTS']:
        assert part in table


def test_wrong_usage_is_told_in_one_line(tool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match='no checkpoint absent.pth'):
        tool['main'](
            [
                str(tool['REPO_ROOT'] / 'configs/synth/oaformer_tiny_synth.py'),
                'absent.pth',
            ]
        )
    with pytest.raises(SystemExit):
        tool['main'](['config.py', 'absent.pth', '--batches', '0'])


def test_weights_of_another_model_are_refused(tool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(dict(state_dict=dict(weight=torch.ones(1))), 'other.pth')
    config = str(tool['REPO_ROOT'] / 'configs' / 'synth' / 'oaformer_tiny_synth.py')
    with pytest.raises(SystemExit, match='other.pth does not fit the config'):
        tool['main']([config, 'other.pth'])
