import json

import numpy as np
import pytest
from mmdet.registry import DATASETS
from mmengine.config import Config

from oaformer.datasets import UOAISDataset
from oaformer.datasets.converters import convert_uoais
from oaformer.structures import AmodalMasks


def test_the_configs_data_sets_on_real_images(repo_root, syntable_sample, tmp_path):
    source = json.loads((syntable_sample / 'annotation_final.json').read_text())
    content = convert_uoais(source, 'toy').content
    (tmp_path / 'UOAIS-Sim').mkdir()
    for split in ('train', 'val'):
        (tmp_path / f'uoais_{split}.json').write_text(json.dumps(content))
        (tmp_path / 'UOAIS-Sim' / split).symlink_to(syntable_sample)
    config = Config.fromfile(
        repo_root / 'configs' / 'oaformer' / 'oaformer_r50_uoais.py'
    )
    assert config.model.panoptic_head.num_things_classes == 1
    for loader in (config.val_dataloader, config.train_dataloader):
        loader.dataset.data_root = str(tmp_path)
    val = DATASETS.build(config.val_dataloader.dataset)
    assert isinstance(val, UOAISDataset)
    assert len(val) == 6
    masks = [item['data_samples'].gt_instances.masks for item in val]
    assert all(isinstance(each, AmodalMasks) for each in masks)
    rates = np.concatenate([each.occlusion_rates for each in masks])
    expected = [each['occlude_rate'] for each in content['annotations']]
    assert rates.tolist() == pytest.approx(expected)
    sample = DATASETS.build(config.train_dataloader.dataset)[0]
    assert max(sample['inputs'].shape[1:]) <= 1024
