import numpy as np
import pytest
import torch
from mmcv.transforms import LoadImageFromFile
from mmdet.datasets.transforms import LoadAnnotations
from mmengine.config import ConfigDict
from tiny_checkpoint import tiny_config

from oaformer.apis.loading import (
    ModelError,
    checkpoint_config,
    dataset_meta,
    find_model,
    inference_pipeline,
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


def test_weights_that_do_not_fit_are_refused(checkpoint, saved):
    cfg = tiny_config(panoptic_head=dict(num_things_classes=5))
    with pytest.raises(ModelError, match='cls_embed.* Was the model trained'):
        load_model(cfg, str(checkpoint[1]), 'cpu')
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
    (line,) = lines
    assert line.startswith(f'{file} has 1 weights more') and 'such as more;' in line


def test_weights_of_a_distributed_run(saved, checkpoint):
    def wrap(content):
        state = content['state_dict']
        for key in list(state):
            state[f'module.{key}'] = state.pop(key)

    expected = load_model(tiny_config(), str(checkpoint[1]), 'cpu')
    found = load_model(tiny_config(), saved(wrap), 'cpu').state_dict()
    for name, value in expected.state_dict().items():
        assert torch.equal(found[name], value), name
    assert not expected.training
    assert expected.dataset_meta['classes'] == ('disc', 'box', 'ring')


def test_weights_without_config():
    with pytest.raises(ModelError, match=r'w\.pth has no config inside'):
        checkpoint_config({'state_dict': {}}, 'w.pth')


def test_class_names():
    def config(**dataset):
        return ConfigDict(test_dataloader=dict(dataset=dataset))

    saved = dict(meta=dict(dataset_meta=dict(CLASSES=('cat',))))
    own = config(type='AmodalCocoDataset', metainfo=dict(classes=['dog', 'cow']))
    assert dataset_meta(saved, own) == dict(classes=('cat',))
    assert dataset_meta({}, own) == dict(classes=('dog', 'cow'))
    assert dataset_meta({}, config(type='AmodalCocoDataset')) == {}
    assert dataset_meta({}, ConfigDict()) == {}
    unnamed = dict(meta=dict(dataset_meta=None))
    assert dataset_meta(unnamed, own) == dict(classes=('dog', 'cow'))


def test_pipeline_needs_no_annotations():
    cfg = tiny_config()
    before = cfg.to_dict()
    _, pipeline = inference_pipeline(cfg)
    packed = pipeline(dict(img=np.zeros((40, 50, 3), np.uint8)))
    assert packed['inputs'].shape == (3, 64, 80)
    assert packed['data_samples'].ori_shape == (40, 50)
    assert cfg.to_dict() == before


def test_reading_has_the_config_s_settings():
    steps = [
        dict(type=LoadImageFromFile, to_float32=True, imdecode_backend='pillow'),
        dict(type=LoadAnnotations),
        dict(type='PackDetInputs'),
    ]
    cfg = ConfigDict(test_dataloader=dict(dataset=dict(pipeline=steps)))
    loader, pipeline = inference_pipeline(cfg)
    assert loader.imdecode_backend == 'pillow'
    assert len(pipeline.transforms) == 2
    packed = pipeline(dict(img=np.zeros((4, 5, 3), np.uint8)))
    assert packed['inputs'].is_floating_point()


def test_config_without_reading():
    cfg = tiny_config()
    del cfg.test_dataloader.dataset.pipeline[0]
    for without in (cfg, ConfigDict()):
        with pytest.raises(ModelError, match='begins with LoadImageFromFile'):
            inference_pipeline(without)
