import json
import pickle
import runpy
import shutil

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator

from oaformer.datasets.synth_amodal import write_split
from oaformer.evaluation import (
    AmodalCocoMetric,
    DumpAmodalResults,
    load_ground_truth,
)
from oaformer.structures import decode_masks

CONFIG = """
custom_imports = dict(imports=['oaformer'], allow_failed_imports=False)
default_scope = 'mmdet'
dataset = dict(
    type='AmodalCocoDataset',
    data_root={root!r},
    ann_file='annotations/val.json',
    data_prefix=dict(img='images'),
    test_mode=True,
    pipeline=[])
test_dataloader = dict(dataset=dataset)
test_evaluator = dict(
    type='AmodalCocoMetric', ann_file={root!r} + '/annotations/val.json')
"""


@pytest.fixture
def main(repo_root):
    tool = repo_root / 'tools' / 'analysis_tools' / 'eval_metric.py'
    return runpy.run_path(str(tool))['main']


def noisy_predictions(ann_file):
    """Objects moved a little, with visible masks and occlusion rates, as bitmaps."""
    rng = np.random.default_rng(0)
    truth = load_ground_truth(ann_file)
    labels = list(truth.category_ids.values())
    for image_id, image in truth.images.items():
        items = [item for item in truth.annotations if item['image_id'] == image_id]
        masks, visible = (
            np.roll(
                decode_masks([i[key] for i in items], image['height'], image['width']),
                rng.integers(0, 5),
                axis=2,
            )
            for key in ('segmentation', 'visible_mask')
        )
        rates = np.array([item['occlusion_rate'] for item in items])
        yield dict(
            img_id=image_id,
            ori_shape=(image['height'], image['width']),
            pred_instances=dict(
                bboxes=torch.zeros(len(items), 4),
                labels=torch.tensor([labels.index(i['category_id']) for i in items]),
                scores=torch.from_numpy(rng.random(len(items)).astype(np.float32)),
                masks=torch.from_numpy(masks).bool(),
                visible_masks=torch.from_numpy(masks & visible).bool(),
                occlusion_rates=torch.from_numpy(rates + rng.normal(0, 0.1, len(rates)))
                .clip(0, 1)
                .float(),
            ),
        )


def test_offline_equals_online(tmp_path, main, capsys):
    write_split(str(tmp_path), 'val', 6)
    ann_file = str(tmp_path / 'annotations' / 'val.json')
    predictions = tmp_path / 'predictions.pkl'
    online = Evaluator(
        [AmodalCocoMetric(ann_file), DumpAmodalResults(str(predictions))]
    )
    samples = list(noisy_predictions(ann_file))
    for sample in samples:
        online.process([sample])
    expected = online.evaluate(len(samples))
    # of every group one
    for name in (
        'segm_mAP',
        'visible_segm_mAP_50',
        'invisible_segm_mAP_50',
        'segm_mAP_occlusion_25_by_rate',
        'mIoU_predicted_invisible',
        'occlusion_rate_mae',
    ):
        assert 0 < expected[f'amodal/{name}'] < 1, name
    assert predictions.stat().st_size < 100_000

    # only predictions and annotations are needed
    shutil.rmtree(tmp_path / 'images')
    config, out = tmp_path / 'config.py', tmp_path / 'metrics.json'
    config.write_text(CONFIG.format(root=str(tmp_path)))
    capsys.readouterr()
    main([str(config), str(predictions), '--out', str(out)])
    assert json.loads(out.read_text()) == expected
    printed = capsys.readouterr().out
    assert '"amodal/segm_mAP": ' in printed

    # with settings of its own
    options = ['test_evaluator.prefix=mine', 'test_evaluator.min_invisible_area=1e6']
    main([str(config), str(predictions), '--out', str(out), '--cfg-options', *options])
    other = json.loads(out.read_text())
    assert other['mine/segm_mAP'] == expected['amodal/segm_mAP']
    assert 'mine/invisible_segm_mAP' not in other


def test_errors_are_for_people(tmp_path, main):
    with pytest.raises(SystemExit, match=r'absent\.py'):
        main([str(tmp_path / 'absent.py'), 'predictions.pkl'])
    write_split(str(tmp_path), 'val', 1)
    config = tmp_path / 'config.py'
    config.write_text(CONFIG.format(root=str(tmp_path)))
    with pytest.raises(SystemExit, match=r'absent\.pkl'):
        main([str(config), str(tmp_path / 'absent.pkl')])
    broken = tmp_path / 'broken.pkl'
    broken.write_bytes(b'no pickle')
    with pytest.raises(SystemExit, match=r'broken\.pkl could not be read'):
        main([str(config), str(broken)])
    unknown = tmp_path / 'unknown.pkl'
    instances = dict(bboxes=[], labels=[], scores=[], masks=[])
    unknown.write_bytes(pickle.dumps([dict(img_id=99, pred_instances=instances)]))
    with pytest.raises(SystemExit, match='image 99 was predicted but is not in'):
        main([str(config), str(unknown)])
