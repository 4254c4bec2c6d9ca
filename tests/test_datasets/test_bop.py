import json

import cv2
import numpy as np
import pytest
from mmdet.registry import DATASETS
from mmengine.config import Config

from oaformer.datasets import TLESSDataset
from oaformer.datasets.converters import convert_bop


def test_the_configs_data_sets(repo_root, tmp_path):
    """An object of the last class, half of it hidden."""
    for split in ('train_pbr', 'test_primesense'):
        scene = tmp_path / 'tless' / split / '000001'
        image, whole, seen = np.zeros((3, 40, 60), np.uint8)
        whole[10:20, 10:30] = seen[10:20, 10:20] = 255
        for path, pixels in (
            ('rgb/000004.png', image),
            ('mask/000004_000000.png', whole),
            ('mask_visib/000004_000000.png', seen),
        ):
            (scene / path).parent.mkdir(parents=True)
            cv2.imwrite(str(scene / path), pixels)
        (scene / 'scene_gt.json').write_text('{"4": [{"obj_id": 30}]}')
        models = tmp_path / 'tless' / 'models_cad' / 'models_info.json'
        models.parent.mkdir(exist_ok=True)
        models.write_text(json.dumps({str(number): {} for number in range(1, 31)}))
        content = convert_bop(str(scene.parent)).content
        (tmp_path / f'tless_{split}.json').write_text(json.dumps(content))
    config = Config.fromfile(
        repo_root / 'configs' / 'oaformer' / 'oaformer_r50_tless.py'
    )
    assert config.model.panoptic_head.num_things_classes == 30
    for loader in (config.val_dataloader, config.train_dataloader):
        loader.dataset.data_root = str(tmp_path)
        dataset = DATASETS.build(loader.dataset)
        assert isinstance(dataset, TLESSDataset)
        assert len(dataset) == 1
        (one,) = dataset.get_data_info(0)['instances']
        assert (one['bbox_label'], one['occlusion_rate']) == (29, pytest.approx(0.5))
        assert len(dataset[0]['data_samples'].gt_instances.masks) == 1
