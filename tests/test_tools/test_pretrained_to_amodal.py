"""From Mask2Former's weights to a step of fine-tuning."""

import json
import pickle
import runpy
import sys

import pytest
import torch
from mmdet.datasets import CocoDataset
from mmengine.config import Config
from mmengine.runner import load_checkpoint
from original_mask2former import OriginalMask2Former
from tiny_models import CONFIGS, SHRINK, images, mask2former, oaformer

from oaformer.datasets.synth_amodal import write_split
from oaformer.engine import safe_load

PRETRAINED = CONFIGS / 'oaformer' / 'oaformer_r50_d2sa_coco-pretrained.py'
COCO = CocoDataset.METAINFO['classes']
CLASSES = ('Dog', 'cupboard', 'cat')  # tiny_models has three; COCO has two of them
BIAS = 'panoptic_head.cls_embed.bias'


@pytest.fixture
def convert(repo_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = repo_root / 'tools' / 'model_converters' / 'pretrained_to_amodal.py'

    def run(*args):
        runpy.run_path(str(path))['main']([str(arg) for arg in args])

    return run


@pytest.fixture
def config(tmp_path):
    """The fine-tuning config with a tiny model, two images and one iteration."""
    cfg = Config.fromfile(PRETRAINED)
    cfg.merge_from_dict(dict(model=SHRINK))
    small = Config.fromfile(CONFIGS / '_base_' / 'datasets' / 'amodal_small.py')
    dataset = dict(
        type='AmodalCocoDataset',
        data_root=str(tmp_path),
        ann_file='annotations/train.json',
        data_prefix=dict(img='images'),
        metainfo=dict(classes=CLASSES),
        pipeline=small.train_pipeline,
    )
    cfg.train_dataloader = dict(
        batch_size=2,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dataset,
    )
    cfg.test_dataloader.dataset = dataset
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.train_cfg.max_epochs = 1
    cfg.load_from = 'tiny.pth'
    cfg.randomness = dict(seed=0)
    cfg.dump(tmp_path / 'config.py')
    return 'config.py'


def coco_weights(num_classes=80):
    """Weights of the original release; rows of the class embedding are numbered."""
    torch.manual_seed(0)
    weights = OriginalMask2Former(num_classes).state_dict()
    name = 'sem_seg_head.predictor.class_embed.bias'
    weights[name] = torch.arange(num_classes + 1.0)
    return weights


def write_original(path, weights):
    arrays = {name: tensor.numpy() for name, tensor in weights.items()}
    path.write_bytes(pickle.dumps(dict(model=arrays, __author__='x'), protocol=2))
    return path.name


def weights_of(path):
    return torch.load(path, weights_only=True)['state_dict']


def test_original_release(convert, config, tmp_path, capsys):
    source = write_original(tmp_path / 'coco.pkl', coco_weights())
    convert(source, 'new/tiny.pth', '--config', config)
    output = capsys.readouterr().out
    assert '2 of 3 have the name of one of the 80 of COCO (Dog, cat);' in output
    assert 'they and no object are kept, the others start afresh' in output
    assert '  left out: criterion.empty_weight\n' in output
    assert '  start afresh: panoptic_head.odm.occlusion_embedding.occ' in output
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['tiny.pth']
    bias = weights_of('new/tiny.pth')[BIAS].tolist()
    assert bias[0] == COCO.index('dog') and bias[2] == COCO.index('cat')
    assert bias[3] == 80 and abs(bias[1]) < 1

    convert(source, 'again.pth', '--config', config, '--verbose')
    output = capsys.readouterr().out
    assert (
        'panoptic_head.odm.transformer_decoder.layers.0.norms.0.bias <- '
        'sem_seg_head.predictor.transformer_cross_attention_layers.0.norm.bias\n'
    ) in output
    first, second = weights_of('new/tiny.pth'), weights_of('again.pth')
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@torch.no_grad()
def test_mmdetections_checkpoint(convert, config, tmp_path, capsys):
    source = mask2former(
        panoptic_head=dict(transformer_decoder=dict(num_layers=7))
    ).eval()
    meta = dict(dataset_meta=dict(CLASSES=('cat', 'bird', 'dog')))
    torch.save(dict(meta=meta, state_dict=source.state_dict()), tmp_path / 'coco.pth')
    convert('coco.pth', 'tiny.pth', '--config', config, '--classes', 'as-is')
    assert 'classes: all 3 rows and no object as they are' in capsys.readouterr().out
    binary = dict(odm=dict(attention_mask='binary'))
    model = oaformer(seed=1, panoptic_head=binary).eval()
    load_checkpoint(model, 'tiny.pth')
    classes, _ = source.panoptic_head(source.extract_feat(images()), [])
    output = model.panoptic_head(model.extract_feat(images()))
    for expected, found in zip(classes, output.cls_scores, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)

    convert('coco.pth', 'tiny.pth', '--config', config)
    assert (
        '2 of 3 have the name of one of the 3 of coco.pth (Dog, cat)'
        in capsys.readouterr().out
    )
    assert torch.equal(
        weights_of('tiny.pth')[BIAS][[0, 2, 3]], source.state_dict()[BIAS][[2, 0, 3]]
    )


def test_fresh_and_unknown_classes(convert, config, tmp_path, capsys):
    source = write_original(tmp_path / 'coco.pkl', coco_weights())
    convert(source, 'tiny.pth', '--config', config, '--classes', 'fresh')
    assert BIAS not in weights_of('tiny.pth')
    assert f'start afresh: {BIAS}' in capsys.readouterr().out

    source = write_original(tmp_path / 'mine.pkl', coco_weights(5))
    convert(source, 'tiny.pth', '--config', config)
    output = capsys.readouterr().out
    assert '0 of 3 have the name of one of the 5, for mine.pkl names none;' in output
    bias = weights_of('tiny.pth')[BIAS]
    assert bias[3] == 5 and bias[:3].abs().max() < 1


def test_faults_are_named_and_nothing_is_written(convert, config, tmp_path):
    (tmp_path / 'out.pth').write_text('precious')
    weights = coco_weights()
    source = write_original(tmp_path / 'coco.pkl', weights)
    out = ('out.pth', '--config', config)
    fcos = CONFIGS / 'synth' / 'bcnet-fcos_tiny_synth.py'
    weights['sem_seg_head.predictor.new.weight'] = torch.zeros(1)
    stranger = write_original(tmp_path / 'stranger.pkl', weights)
    for expected, *args in (
        ('absent.pkl was not converted: absent.pkl not found', 'absent.pkl', *out),
        ('sem_seg_head.predictor.new.weight', stranger, *out),
        ('weights have 80 classes and config.py 3', source, *out, '--classes', 'as-is'),
        (
            'num_queries=7',
            *(source, *out, '--cfg-options', 'model.panoptic_head.num_queries=9'),
        ),
        ('There is no config absent.py', source, 'out.pth', '--config', 'absent.py'),
        ('set load_from to them', source, 'out.pth', '--config', fcos),
        ('would overwrite the input', 'out.pth', *out),
    ):
        with pytest.raises(SystemExit) as caught:
            convert(*args)
        assert expected in str(caught.value)
    assert (tmp_path / 'out.pth').read_text() == 'precious'
    assert not list(tmp_path.glob('.out.pth*'))


@pytest.mark.slow
def test_fine_tuning_starts_from_it(convert, config, tmp_path, repo_root, monkeypatch):
    write_split(str(tmp_path), 'train', 2)
    file = tmp_path / 'annotations' / 'train.json'
    content = json.loads(file.read_text())
    for category, name in zip(content['categories'], CLASSES, strict=False):
        category['name'] = name
    file.write_text(json.dumps(content))
    source = write_original(tmp_path / 'coco.pkl', coco_weights())
    convert(source, 'tiny.pth', '--config', config)
    argv = ['train.py', config, '--work-dir', 'run']
    monkeypatch.setattr(sys, 'argv', argv)
    runpy.run_path(str(repo_root / 'tools' / 'train.py'), run_name='__main__')
    before = weights_of('tiny.pth')
    after = safe_load('run/epoch_1.pth')['state_dict']
    assert before.keys() < after.keys()
    # one step of AdamW moves no weight by more than the learning rate and its decay
    moved = {
        name: (after[name] - tensor).abs().max().item()
        for name, tensor in before.items()
        if name.startswith('panoptic_head.')
    }
    assert all(0 <= distance < 1e-3 for distance in moved.values())
    assert sum(distance > 0 for distance in moved.values()) > len(moved) / 2
