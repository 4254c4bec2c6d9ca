import importlib.util
import re

import pytest
from mmengine.config import Config

TINY = 'configs/synth/oaformer_tiny_synth.py'
LAYERS = (
    'odm.num_layers',
    'pixel_decoder.encoder.num_layers',
    'transformer_decoder.num_layers',
)


@pytest.fixture(scope='module')
def tool(request):
    path = request.config.rootpath / 'tools' / 'analysis_tools' / 'estimate_memory.py'
    spec = importlib.util.spec_from_file_location('estimate_memory', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_size_is_padded_as_the_config_pads(tool):
    model = dict(data_preprocessor=dict(pad_size_divisor=32))
    cfg = Config(dict(model=model))
    assert tool.image_size(cfg, [800, 1333]) == (800, 1344)
    with pytest.raises(tool.cli.UsageError, match='Say --size'):
        tool.image_size(cfg, None)
    cfg.image_size = (64, 64)
    assert tool.image_size(cfg, None) == (64, 64)


def test_other_models_are_refused(tool):
    with pytest.raises(tool.cli.UsageError, match='panoptic_head'):
        tool.build_model(Config(dict(model=dict(type='FasterRCNN'))))


def test_no_such_config(tool):
    with pytest.raises(SystemExit, match='There is no config'):
        tool.main(['configs/missing.py'])


@pytest.mark.parametrize('option', ['--batch-size', '--objects'])
def test_counts_start_at_one(tool, option, capsys):
    with pytest.raises(SystemExit):
        tool.parse_args(['config.py', option, '0'])
    assert f'{option} must be at least 1' in capsys.readouterr().err


def test_tables(tool, capsys, monkeypatch):
    monkeypatch.setattr(tool, 'TIMED_ROUNDS', 1)
    tool.main(
        [TINY, '--size', '64', '64', '--batch-size', '3', '--cards', '1', '4', '80']
        + ['--time-with', 'model.panoptic_head.num_queries=5']
        + ['--cfg-options', *(f'model.panoptic_head.{key}=1' for key in LAYERS)]
    )
    output = capsys.readouterr().out
    above, below = output.split('| **together**')
    parts = [int(number) for number in re.findall(r'\| (\d+) \|\n', above)]
    total = int(re.match(r' \| \*\*(\d+)', below)[1])
    assert len(parts) == 9
    # each part is rounded
    assert sum(parts) == pytest.approx(total, abs=5)
    assert '| 1 GB | none |' in below
    small, large = (
        int(re.search(rf'\| {card} GB \| (\d+) \|', below)[1]) for card in (4, 80)
    )
    assert 0 < small < large
    assert 'Computed, not measured on a GPU.' in below
    assert re.search(r"num_queries': 5}: \d\.\d\d x \(", below)
