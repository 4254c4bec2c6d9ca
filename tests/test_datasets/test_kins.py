import json

import cv2
import numpy as np
import pytest
from kins_scene import AMODAL, RATES, release_2019, release_2020
from metric_cases import evaluate, sample
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import Compose

from oaformer.datasets import KINSDataset
from oaformer.datasets.converters import convert_kins
from oaformer.structures import AmodalMasks

NAMES = ['car', 'pedestrian', 'cyclist', 'van']
RELEASES = pytest.mark.parametrize('make', [release_2019, release_2020])


@pytest.fixture
def config(repo_root):
    return Config.fromfile(repo_root / 'configs' / 'oaformer' / 'oaformer_r50_kins.py')


@pytest.fixture
def data_root(tmp_path):
    """The folder ``data`` with the scene's images, where the config has them."""
    for split in ('training', 'testing'):
        folder = tmp_path / 'KINS' / split / 'image_2'
        folder.mkdir(parents=True)
        for name in ('000007.png', '000008.png'):
            cv2.imwrite(str(folder / name), np.zeros((20, 30, 3), np.uint8))
    return tmp_path


def write(data_root, content):
    for name in ('kins_train.json', 'kins_val.json'):
        (data_root / name).write_text(json.dumps(content))


@RELEASES
def test_the_configs_data_sets(config, data_root, make):
    write(data_root, convert_kins(make(), 'toy').content)
    cfg = config.train_dataloader.dataset
    cfg.data_root, cfg.filter_cfg.min_size = str(data_root), 0
    train = DATASETS.build(cfg)
    assert isinstance(train, KINSDataset)
    assert len(train) == 1
    item = train[0]
    assert max(item['inputs'].shape[1:]) <= 1024
    assert isinstance(item['data_samples'].gt_instances.masks, AmodalMasks)

    cfg = config.val_dataloader.dataset
    cfg.data_root = str(data_root)
    val = DATASETS.build(cfg)
    assert len(val) == 2
    labels = [item['bbox_label'] for item in val.get_data_info(0)['instances']]
    assert [val.metainfo['classes'][label] for label in labels] == NAMES
    masks = val[0]['data_samples'].gt_instances.masks
    assert masks.occlusion_rates.tolist() == pytest.approx(RATES)


def test_the_metric_finds_the_same_classes(config, data_root):
    write(data_root, convert_kins(release_2019(), 'toy').content)
    meta = KINSDataset.METAINFO
    assert config.model.panoptic_head.num_things_classes == len(meta['classes'])
    labels = [meta['classes'].index(name) for name in NAMES]
    prediction = sample(
        np.concatenate(AMODAL), [0.9] * 4, labels=labels, rates=RATES, img_id=7
    )
    metrics = evaluate(str(data_root / 'kins_val.json'), [prediction], meta=meta)
    assert metrics['segm_mAP'] == pytest.approx(1)
    assert metrics['occlusion_rate_mae'] == pytest.approx(0, abs=1e-6)


def test_sizes_of_a_kitti_image_and_as_many_steps_as_d2sa(config):
    for pipeline in (config.train_pipeline, config.test_pipeline):
        assert pipeline[-1].type == 'PackAmodalInputs'
    image = np.zeros((375, 1242, 3), np.uint8)
    resize = Compose([config.test_pipeline[1]])
    assert resize(dict(img=image))['img'].shape == (800, 2650, 3)
    resize = Compose([config.train_pipeline[3]])
    heights = [resize(dict(img=image))['img'].shape[0] for _ in range(3)]
    assert 400 <= min(heights) and max(heights) <= 1600
    size = config.model.data_preprocessor.batch_augments[0].size
    assert config.train_pipeline[4].crop_size == size
    steps = config.train_cfg.max_epochs * 7474 / config.auto_scale_lr.base_batch_size
    assert steps == pytest.approx(100 * 2000 / 16, rel=0.02)
    assert config.param_scheduler.end == config.train_cfg.max_epochs
