import logging

import pytest
import torch
from mmengine.config import ConfigDict
from tiny_checkpoint import tiny_config

from oaformer.apis.loading import (
    ModelError,
    checkpoint_config,
    dataset_meta,
    find_model,
    load_model,
)


@pytest.fixture
def saved(checkpoint, tmp_path):
    """Change a checkpoint and write it elsewhere."""

    def save(change):
        content = torch.load(checkpoint[1])
        change(content)
        torch.save(content, tmp_path / 'changed.pth')
        return str(tmp_path / 'changed.pth')

    return save


def test_own_configs_are_found_by_name(repo_root):
    d2sa = repo_root / 'configs' / 'oaformer_r50_d2sa.py'
    assert find_model('oaformer_r50_d2sa') == d2sa
    assert find_model('configs/oaformer_r50_d2sa.py').resolve() == d2sa
    assert find_model('oaformer_r50_d2sa_wo-odm').parent.name == 'ablations'
    with pytest.raises(FileNotFoundError, match='oaformer_r50_cocoa-cls'):
        find_model('mask2former')


def test_own_configs_are_found_wherever_the_repository_is(tmp_path, monkeypatch):
    config = tmp_path / '_base_' / 'configs' / 'oaformer' / 'ablations' / 'small.py'
    grid = tmp_path / '_base_' / 'configs' / 'synth' / 'grid.py'
    for path in (config, grid):
        path.parent.mkdir(parents=True)
        path.touch()
    monkeypatch.setattr('oaformer.apis.loading.REPO_ROOT', tmp_path / '_base_')
    assert find_model('small') == config
    with pytest.raises(FileNotFoundError, match='Known names: small.$'):
        find_model('grid')


def test_weights_of_other_classes_are_refused(checkpoint):
    cfg = tiny_config(panoptic_head=dict(num_things_classes=5))
    with pytest.raises(ModelError, match='cls_embed.* Was the model trained'):
        load_model(cfg, str(checkpoint[1]), 'cpu')


def test_missing_weights_are_refused(saved):
    file = saved(lambda content: content['state_dict'].pop('backbone.conv1.weight'))
    with pytest.raises(ModelError, match=r'lacks 1 weights, such as backbone\.conv1'):
        load_model(tiny_config(), file, 'cpu')


def test_additional_weights_are_named(saved, monkeypatch):
    lines = []
    monkeypatch.setattr(
        'oaformer.apis.loading.print_log', lambda text, **_: lines.append(text)
    )
    file = saved(lambda content: content['state_dict'].update(more=torch.ones(1)))
    load_model(tiny_config(), file, 'cpu')
    assert lines == [
        f"{file} has 1 weights more than the config's model, such as more; they are "
        'left out.'
    ]


def test_weights_of_a_distributed_run(saved, checkpoint):
    def wrap(content):
        state = content['state_dict']
        for key in list(state):
            state[f'module.{key}'] = state.pop(key)

    models = [
        load_model(tiny_config(), file, 'cpu')
        for file in (saved(wrap), str(checkpoint[1]))
    ]
    states = [model.state_dict() for model in models]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[1])


def test_model_is_ready_for_testing(checkpoint):
    model = load_model(tiny_config(), str(checkpoint[1]), 'cpu')
    assert not model.training
    assert model.dataset_meta['classes'] == ('disc', 'box', 'ring')


def test_weights_without_config():
    with pytest.raises(ModelError, match=r'w\.pth has no config inside'):
        checkpoint_config({'state_dict': {}}, 'w.pth')


def test_config_inside_is_never_run(tmp_path):
    touched = tmp_path / 'touched'
    text = f'x = open({str(touched)!r}, "w")'
    with pytest.raises(ModelError, match='only plain values'):
        checkpoint_config(dict(meta=dict(cfg=text)), 'w.pth')
    assert not touched.exists()


def test_class_names():
    def config(**dataset):
        return ConfigDict(test_dataloader=dict(dataset=dataset))

    saved = dict(meta=dict(dataset_meta=dict(CLASSES=('cat',))))
    own = config(type='AmodalCocoDataset', metainfo=dict(classes=['dog', 'cow']))
    assert dataset_meta(saved, own) == dict(classes=('cat',))
    assert dataset_meta({}, own) == dict(classes=('dog', 'cow'))
    assert dataset_meta({}, config(type='AmodalCocoDataset')) == {}
    assert dataset_meta({}, ConfigDict()) == {}


def test_log_level_of_the_untrained(monkeypatch):
    levels = []
    monkeypatch.setattr(
        'oaformer.apis.loading.print_log',
        lambda text, logger=None, level=None: levels.append(level),
    )
    load_model(tiny_config(), None, 'cpu')
    assert levels == [logging.WARNING]
