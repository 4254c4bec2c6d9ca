import sys

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from tiny_checkpoint import tiny_config

from oaformer.apis import AmodalInferencer, ModelError
from oaformer.apis.loading import checkpoint_config, inference_pipeline
from oaformer.engine.safe_config import parse_config


def test_own_configs_pass_unchanged(repo_root):
    configs = repo_root / 'configs'
    bases = configs / '_base_'
    for path in sorted(configs.rglob('*.py')):
        if bases in path.parents or 'model' not in (cfg := Config.fromfile(path)):
            continue
        parsed = parse_config(cfg.pretty_text, 'weights.pth')
        assert parsed.to_dict() == cfg.to_dict(), path


def test_plain_values():
    text = "a = dict(b=[1, -2.5, 1e-5], c=(None, dict()), d={'e-f': 'g'})\nempty = ()"
    values = dict(a=dict(b=[1, -2.5, 1e-5], c=(None, {}), d={'e-f': 'g'}), empty=())
    assert parse_config(text, 'w').to_dict() == values


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('import os', 'line 1 is not an assignment'),
        ('a = 1\nprint(a)', 'line 2 is not an assignment'),
        ('a = b = 1', 'line 1 is not an assignment'),
        ('a.b = 1', 'line 1 is not an assignment'),
        ("a = __import__('os').system('true')", 'line 1 has "__import__'),
        ('a = [x for x in (1, 2)]', 'line 1: <ast.ListComp'),
        ("a = dict(b=open('/etc/hostname'))", 'line 1 has "open'),
        ("a = dict(b=1)(c=open('/etc/hostname'))", 'line 1 has "open'),
        ('a = dict(**{})', 'malformed'),
        ('a = dict([(1, 2)])', 'line 1 has "dict'),
        ('a = {**{}}', 'malformed'),
        ("a = f'{1}'", 'line 1: <ast.JoinedStr'),
        ('a = b', 'line 1: <ast.Name'),
        ('a = (', 'never closed'),
        ('test_dataloader = dict(dataset=dict(datasets=[]))', 'out of range'),
    ],
)
def test_anything_else_is_refused(text, reason):
    with pytest.raises(ValueError, match='inside weights.pth was not used') as caught:
        parse_config(text, 'weights.pth')
    assert reason in str(caught.value)


@pytest.fixture
def evil(tmp_path, monkeypatch):
    """A package on the path that an attacker would like to have imported."""
    package = tmp_path / 'evil'
    package.mkdir()
    (package / '__init__.py').touch()
    (package / 'registry.py').touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield
    imported = [name for name in sys.modules if name.split('.')[0] == 'evil']
    for name in imported:
        del sys.modules[name]
    assert imported == []


@pytest.mark.parametrize(
    'change',
    [
        dict(pipeline=dict(type='Resize', scale=(64, 64), _scope_='evil')),
        dict(pipeline=dict(type='Resize', scale=(64, 64), sub=dict(_scope_='evil'))),
        dict(pipeline=dict(type='evil')),
        dict(pipeline=dict(type='evil.Resize')),
        dict(pipeline=dict(type='mmdet.Resize', scale=(64, 64))),
        # registered, but each builds what its arguments name
        dict(pipeline=dict(type='RandomChoice', transforms=[[dict(type='evil')]])),
        dict(pipeline=dict(type='Albu', transforms=[])),
        dict(pipeline=dict(type='Pad', backend_args=dict(backend='memcached'))),
        dict(model=dict(_scope_='evil')),
        dict(model=dict(type='evil')),
        dict(model=dict(backbone=dict(type='evil.ResNet'))),
        # runs a config file
        dict(model=dict(type='LAD')),
        # downloads weights
        dict(model=dict(language_model=dict(type='BertModel', name='evil'))),
        # evaluate an argument
        dict(model=dict(test_cfg=dict(nms=dict(type="exec('import evil')")))),
        dict(model=dict(cmc=dict(type='CameraMotionCompensation'))),
        dict(visualizer=dict(type='evil')),
        dict(visualizer=dict(type='mmdet.DetLocalVisualizer')),
        dict(visualizer=dict(type='AmodalLocalVisualizer', _scope_='evil')),
    ],
    ids=str,
)
def test_what_would_run_code_is_refused(evil, change):
    cfg = tiny_config()
    if 'pipeline' in change:
        cfg.test_dataloader.dataset.pipeline.append(change['pipeline'])
    else:
        cfg.merge_from_dict(change)
    checkpoint = dict(meta=dict(cfg=cfg.pretty_text))
    with pytest.raises(ModelError, match=r'w\.pth was not used.*(allowed|imported)'):
        checkpoint_config(checkpoint, 'w.pth')


def test_the_pipeline_that_is_built_is_the_one_that_was_checked(evil):
    """A wrapper has its data set's pipeline, and may have a second one itself."""
    cfg = tiny_config()
    dataset = cfg.test_dataloader.dataset
    dataset.dataset = dict(pipeline=list(dataset.pipeline))
    dataset.pipeline[1] = dict(type='evil.Resize')
    read = checkpoint_config(dict(meta=dict(cfg=cfg.pretty_text)), 'w.pth')
    _, pipeline = inference_pipeline(read)
    assert type(pipeline.transforms[1]).__name__ == 'Resize'


def test_what_is_not_built_may_name_anything(evil, tmp_path):
    """The configs of trainings, which may have used modules that are not here."""
    cfg = tiny_config()
    cfg.custom_imports = dict(imports=['evil'])
    cfg.custom_hooks = [dict(type='evil.Hook', _scope_='evil')]
    cfg.test_dataloader.dataset.type = 'evil'
    cfg.visualizer.vis_backends = [dict(type='evil')]
    meta = dict(cfg=cfg.pretty_text)
    state_dict = MODELS.build(cfg.model).state_dict()
    weights = tmp_path / 'weights.pth'
    torch.save(dict(meta=meta, state_dict=state_dict), weights)
    inferencer = AmodalInferencer(weights, device='cpu', show_progress=False)
    assert inferencer.classes == ()
    image = np.zeros((40, 50, 3), np.uint8)
    assert len(inferencer(image)['predictions']) == 1
