"""Each config for real data, from its file: one iteration and one validation.

The data are drawn scenes in the files and with the classes that the config names.
"""

import json
import shutil
from pathlib import Path

import pytest
import torch
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.runner import Runner
from roi_cases import SYSTEMS

from oaformer.datasets.synth_amodal import write_split
from oaformer.models.shape_priors import ShapeAutoencoder, shape_priors_content

NAMES = [
    f'{system}_r50_{data}'
    for system in SYSTEMS
    for data in ('d2sa', 'cocoa-cls', 'kins')
]
NAMES += [f'sln_r50_{data}_class-agnostic' for data in ('d2sa', 'cocoa-cls')]


def parts(dataset):
    """The configs of a data set's files."""
    nested = dataset.get('datasets') or [dataset.get('dataset')]
    return [each for one in nested for each in parts(one)] if nested[0] else [dataset]


def write_files(cfg, scenes):
    """Two scenes under the names of a config's files, with its first classes."""
    content = json.loads((scenes / 'annotations' / 'train.json').read_text())
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        for part in parts(loader.dataset):
            classes = DATASETS.get(part.type).METAINFO['classes']
            categories = [dict(id=i + 1, name=name) for i, name in enumerate(classes)]
            file = Path(part.data_root, part.ann_file)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(content | dict(categories=categories)))
            folder = Path(part.data_root, part.data_prefix.img)
            shutil.copytree(scenes / 'images', folder, dirs_exist_ok=True)


def write_shape_priors(file, num_stages=3):
    """Two random shapes of each class."""
    autoencoder = ShapeAutoencoder(num_stages)
    size = autoencoder.code_size
    for path in Path('.').rglob('*.json'):
        categories = json.loads(path.read_text())['categories']
    codes = [torch.rand(2, size) for _ in categories]
    meta = dict(classes=[category['name'] for category in categories])
    Path(file).parent.mkdir(parents=True)
    torch.save(shape_priors_content(autoencoder, codes, meta), file)


@pytest.mark.slow
@pytest.mark.parametrize('name', NAMES)
def test_one_iteration_and_one_validation(name, repo_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_split('scenes', 'train', 2)
    (config,) = (repo_root / 'configs').rglob(f'{name}.py')
    cfg = Config.fromfile(config)
    write_files(cfg, tmp_path / 'scenes')
    priors = cfg.model.get('roi_head', {}).get('mask_head', {}).get('shape_priors')
    if priors is not None:
        write_shape_priors(**priors)
    small = dict(scale=(160, 128), keep_ratio=True)
    for part in parts(cfg.train_dataloader.dataset):
        part.pipeline[2] = dict(type='Resize', **small)
    cfg.val_dataloader.dataset.pipeline[1].update(small)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
    cfg.train_cfg.update(max_iters=1, val_interval=1)
    cfg.default_hooks.logger.interval = 1
    cfg.model.backbone.init_cfg = None
    cfg.work_dir = str(tmp_path / 'work')
    runner = Runner.from_cfg(cfg)
    runner.train()
    scalars = runner.message_hub.log_scalars
    assert 0 < scalars['train/loss_mask'].current() < 100
    assert 0 <= scalars['val/amodal/segm_mAP'].current() <= 1
    assert (tmp_path / 'work' / 'iter_1.pth').is_file()
