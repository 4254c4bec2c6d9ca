"""The configs say what the paper says, and the ablations differ in one thing each."""

from pathlib import Path

import pytest
from mmdet.registry import MODELS
from mmengine.config import Config

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
MAIN = CONFIGS / 'oaformer_r50_d2sa.py'
ALL = sorted([*CONFIGS.glob('*.py'), *(CONFIGS / 'ablations').glob('*.py')])
ABLATIONS = sorted((CONFIGS / 'ablations').glob('*.py'))


def load(path):
    return Config.fromfile(path)


def flat(node, prefix=''):
    """Nested dicts and lists as one dict of leaves."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    leaves = {}
    for key, value in items:
        name = f'{prefix}{key}'
        if isinstance(value, (dict, list, tuple)) and value:
            leaves.update(flat(value, f'{name}.'))
        else:
            leaves[name] = value
    return leaves


@pytest.mark.parametrize('path', ALL, ids=lambda path: path.stem)
def test_every_config_is_complete(path):
    cfg = load(path)
    for key in ('model', 'train_dataloader', 'val_evaluator', 'optim_wrapper'):
        assert key in cfg
    assert cfg.custom_imports.imports == ['oaformer']
    assert cfg.visualizer.type == 'AmodalLocalVisualizer'
    assert cfg.val_evaluator.type == 'AmodalCocoMetric'


def test_the_papers_settings():
    head = load(MAIN).model.panoptic_head
    assert head.num_queries == 100
    assert head.loss_occlusion.loss_weight == 2
    assert head.loss_mask.loss_weight == head.loss_dice.loss_weight == 0.5
    assert head.loss_cls.loss_weight == 0.2
    assert load(MAIN).model.backbone.depth == 50


def test_batch_of_16_and_about_100_epochs():
    cfg = load(MAIN)
    assert cfg.auto_scale_lr.base_batch_size == 16
    assert cfg.train_dataloader.batch_size * 8 == 16
    assert cfg.train_cfg.max_epochs == cfg.param_scheduler.end == 100


def test_matching_costs_have_the_ratio_of_the_losses():
    cfg = load(MAIN)
    costs = [cost.weight for cost in cfg.model.train_cfg.assigner.match_costs]
    head = cfg.model.panoptic_head
    losses = [head.loss_cls, head.loss_mask, head.loss_dice]
    ratios = [cost / loss.loss_weight for cost, loss in zip(costs, losses, strict=True)]
    assert ratios == pytest.approx([10, 10, 10])


@pytest.mark.parametrize('path', ABLATIONS, ids=lambda path: path.stem)
def test_ablations_are_short_children_of_a_main_config(path):
    assert len(path.read_text().splitlines()) <= 10
    parent = load(CONFIGS / load_base(path))
    before, after = flat(parent._cfg_dict), flat(load(path)._cfg_dict)
    changed = {
        key
        for key in before.keys() | after.keys()
        if before.get(key, '-') != after.get(key, '-')
    }
    assert changed
    if path.stem == 'oaformer_tiny_synth_crop_recomputed':
        assert all('pipeline' in key for key in changed)
        steps = [step.type for step in load(path).train_dataloader.dataset.pipeline]
        before = [step.type for step in parent.train_pipeline]
        assert steps == [*before[:-1], 'OcclusionRate', 'PackAmodalInputs']
    else:
        assert all(key.startswith('model.panoptic_head.') for key in changed)


def test_mask_rcnn_has_the_data_the_schedule_and_the_backbone_of_the_others():
    ours, reference = (
        load(CONFIGS / name)
        for name in ('oaformer_tiny_synth.py', 'mask-rcnn_tiny_synth.py')
    )
    model = {'model', 'embed_dims', 'attention', 'data_preprocessor'}
    testing = {'test_pipeline', 'val_dataloader', 'test_dataloader'}
    different = {key for key in ours if ours[key] != reference.get(key)}
    assert different <= model | testing
    # a Resize, for its scale factor, that leaves images of 128 x 128 as they are
    (added,) = [
        step for step in reference.test_pipeline if step not in ours.test_pipeline[:-1]
    ][:-1]
    assert added == dict(type='Resize', scale=(128, 128), keep_ratio=True)
    for name in ('val_dataloader', 'test_dataloader'):
        assert reference[name].dataset.pipeline == reference.test_pipeline
        ours[name].dataset.pipeline = reference.test_pipeline
        assert ours[name] == reference[name]
    assert ours.model.backbone == reference.model.backbone
    heads = reference.model.roi_head
    assert heads.bbox_head.num_classes == heads.mask_head.num_classes
    assert heads.bbox_head.num_classes == ours.model.panoptic_head.num_things_classes


def test_bfloat16_changes_the_optimiser_only():
    before = flat(load(MAIN)._cfg_dict)
    after = flat(load(CONFIGS / 'oaformer_r50_d2sa_bf16.py')._cfg_dict)
    changed = {key: after[key] for key in after if before.get(key, '-') != after[key]}
    assert changed == {
        'optim_wrapper.type': 'AmpOptimWrapper',
        'optim_wrapper.dtype': 'bfloat16',
        'optim_wrapper.loss_scale': 1.0,
    }


@pytest.mark.parametrize('parent', ['oaformer_r50_d2sa', 'oaformer_tiny_synth'])
def test_visible_masks_change_their_two_losses_only(parent):
    before = load(CONFIGS / f'{parent}.py')
    after = load(CONFIGS / f'{parent}_visible.py')
    head = before.model.panoptic_head
    added = dict(flat(after._cfg_dict).items() - flat(before._cfg_dict).items())
    # built in the loader's processes, for every part of the training data
    built = {key for key in added if key.endswith('.build_visible')}
    packed = [
        key.replace('.type', '.build_visible')
        for key, value in flat(after._cfg_dict).items()
        if key.startswith('train') and value == 'PackAmodalInputs'
    ]
    assert built == set(packed)
    assert {key: added[key] for key in added.keys() - built} == {
        'model.panoptic_head.loss_visible_mask.loss_weight': head.loss_mask.loss_weight,
        'model.panoptic_head.loss_visible_dice.loss_weight': head.loss_dice.loss_weight,
    }
    assert flat(before._cfg_dict).keys() <= flat(after._cfg_dict).keys()


def load_base(path):
    (line,) = [
        line for line in path.read_text().splitlines() if line.startswith('_base_')
    ]
    return line.split("'../")[1].rstrip("'")


EXPECTED = {
    'q10': dict(num_queries=10),
    'q50': dict(num_queries=50),
    'q200': dict(num_queries=200),
    'q300': dict(num_queries=300),
    'wo-odm': dict(odm=None),
    'loss-dice': dict(mask=0.0, dice=0.5, occlusion=None),
    'loss-dice-occlusion': dict(mask=0.0, dice=0.5, occlusion=2.0),
    'loss-ce': dict(mask=0.5, dice=0.0, occlusion=None),
    'loss-ce-occlusion': dict(mask=0.5, dice=0.0, occlusion=2.0),
    'loss-ce-dice': dict(mask=0.5, dice=0.5, occlusion=None),
    'odm-rates': dict(final_rates=False),
    'soft': dict(attention_mask='soft'),
}


@pytest.mark.parametrize('parent', ['oaformer_r50_d2sa', 'oaformer_tiny_synth'])
@pytest.mark.parametrize('name', EXPECTED)
def test_each_ablation_says_what_its_name_says(name, parent):
    head = load(CONFIGS / 'ablations' / f'{parent}_{name}.py').model.panoptic_head
    found = dict(
        num_queries=head.num_queries,
        odm=head.odm,
        mask=head.loss_mask.loss_weight,
        dice=head.loss_dice.loss_weight,
        occlusion=head.loss_occlusion and head.loss_occlusion.loss_weight,
        final_rates=head.get('amodal_occlusion_rates', True),
        attention_mask=head.odm and head.odm.attention_mask,
    )
    assert {key: found[key] for key in EXPECTED[name]} == EXPECTED[name]


def build(path):
    cfg = load(path).model
    cfg.backbone.init_cfg = None
    return MODELS.build(cfg)


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ('parent', 'amodal_layers'), [('oaformer_r50_d2sa', 6), ('oaformer_tiny_synth', 3)]
)
def test_without_odm_has_the_same_depth_and_nearly_the_size(parent, amodal_layers):
    with_odm = build(CONFIGS / f'{parent}.py')
    plain = build(CONFIGS / 'ablations' / f'{parent}_wo-odm.py')
    assert len(plain.panoptic_head.transformer_decoder.layers) == amodal_layers + 3
    assert len(with_odm.panoptic_head.transformer_decoder.layers) == amodal_layers
    assert with_odm.panoptic_head.odm.num_layers == 3
    extra = parameters(with_odm) - parameters(plain)
    # the occlusion embedding module and one more norm
    module = with_odm.panoptic_head.odm
    own = parameters(module.occlusion_embedding)
    norm = parameters(module.transformer_decoder.post_norm)
    assert extra == own + norm
    assert extra < 0.01 * parameters(plain)
