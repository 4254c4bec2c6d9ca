import json

import cv2
import numpy as np
from mmdet.registry import DATASETS
from mmengine.config import Config
from planted_faults import rle

from oaformer.datasets import COCOADataset
from oaformer.datasets.converters import convert_cocoa
from oaformer.structures import AmodalMasks, rle_area


def test_the_configs_data_sets_on_real_images(repo_root, sample_data, tmp_path):
    source = sample_data / 'cocoa_sample'
    name = 'COCO_amodal_val2014.json'
    original = json.loads((source / 'annotations' / name).read_text())
    content = convert_cocoa(original, name).content
    (tmp_path / 'COCOA').mkdir()
    for split in ('train2014', 'val2014'):
        (tmp_path / f'cocoa_objects_{split}.json').write_text(json.dumps(content))
        (tmp_path / 'COCOA' / split).symlink_to(source / 'val2014')
    config = Config.fromfile(
        repo_root / 'configs' / 'oaformer' / 'oaformer_r50_cocoa.py'
    )
    assert config.model.panoptic_head.num_things_classes == 1

    cfg = config.val_dataloader.dataset
    cfg.data_root = str(tmp_path)
    dataset = DATASETS.build(cfg)
    assert isinstance(dataset, COCOADataset)
    assert len(dataset) == 5
    objects = [image['data_samples'] for image in dataset]
    masks = [sample.gt_instances.masks for sample in objects]
    assert all(isinstance(each, AmodalMasks) for each in masks)
    # 48 regions, one of them stuff
    assert sum(len(each) for each in masks) == 47
    rates = [rate for each in masks for rate in each.occlusion_rates.tolist()]
    assert sum(rate > 0 for rate in rates) == sum(
        annotation['occlude_rate'] > 0 for annotation in content['annotations']
    )
    assert {
        label for sample in objects for label in sample.gt_instances.labels.tolist()
    } == {0}

    cfg = config.train_dataloader.dataset
    cfg.data_root = str(tmp_path)
    sample = DATASETS.build(cfg)[0]
    assert max(sample['inputs'].shape[1:]) <= 1024
    assert isinstance(sample['data_samples'].gt_instances.masks, AmodalMasks)


def test_no_stuff_files_are_read_as_they_are(tmp_path):
    """Files such as COCO_amodal_*2014_detectron_no_stuff.json: flat polygons, RLEs."""
    cup = dict(segmentation=[2, 2, 12, 2, 12, 12, 2, 12], bbox=[2, 2, 10, 10], area=100)
    plate = dict(
        segmentation=[5, 5, 25, 5, 25, 15, 5, 15],
        visible_mask=rle((20, 30), (5, 12, 15, 25)),
        invisible_mask=rle((20, 30), (5, 5, 15, 12)),
        occlude_rate=0.35,
        bbox=[5, 5, 20, 10],
        area=200,
    )
    content = dict(
        images=[dict(id=1, file_name='1.png', height=20, width=30)],
        annotations=[
            dict(id=number, image_id=1, category_id=1, iscrowd=0) | item
            for number, item in enumerate((cup, plate))
        ],
        categories=[dict(id=1, name='object', supercategory='object')],
    )
    (tmp_path / 'no_stuff.json').write_text(json.dumps(content))
    cv2.imwrite(str(tmp_path / '1.png'), np.zeros((20, 30, 3), np.uint8))
    dataset = COCOADataset(
        data_root=str(tmp_path), ann_file='no_stuff.json', data_prefix=dict(img='')
    )
    whole, occluded = dataset.get_data_info(0)['instances']
    assert (rle_area(whole['mask']), whole['visible_mask']) == (100, None)
    assert whole['occlusion_rate'] == 0
    assert rle_area(occluded['mask']) == 200
    assert rle_area(occluded['visible_mask']) == 130
    assert occluded['occlusion_rate'] == 0.35
