"""The configs say what the paper says, and children change what they name."""

import copy
import functools
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose
from mmengine.hub import get_config

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
FILES = [
    path
    for path in sorted(CONFIGS.rglob('*.py'))
    if not {'_base_', 'grid.py'} & set(path.relative_to(CONFIGS).parts)
]
PATHS = {path.stem: path for path in FILES}
MAIN = 'oaformer_r50_d2sa'
ABLATIONS = [path.stem for path in FILES if path.parent.name == 'ablations']
LOSSES = dict(ce='loss_mask', dice='loss_dice', occlusion='loss_occlusion')


@functools.cache
def read(name):
    return Config.fromfile(PATHS[name])


def load(name):
    return copy.deepcopy(read(name))


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


def changes(parent, child):
    """Leaves of ``child`` that differ from ``parent``; None for those it lacks."""
    before, after = flat(parent._cfg_dict), flat(child._cfg_dict)
    return {
        key: after.get(key)
        for key in before.keys() | after.keys()
        if before.get(key, '-') != after.get(key, '-')
    }


def test_names_are_unique():
    assert len(PATHS) == len(FILES)


@pytest.mark.parametrize('name', PATHS)
def test_every_config_is_complete(name):
    cfg = load(name)
    assert cfg.custom_imports.imports == ['oaformer']
    assert cfg.visualizer.type == 'AmodalLocalVisualizer'
    assert cfg.val_evaluator.type == cfg.test_evaluator.type == 'AmodalCocoMetric'
    assert cfg.model.type in MODELS and 'optimizer' in cfg.optim_wrapper
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.type in DATASETS
    for pipeline in (cfg.train_pipeline, cfg.test_pipeline):
        assert type(Compose(pipeline).transforms[-1]).__name__ == 'PackAmodalInputs'


def test_the_papers_settings():
    cfg = load(MAIN)
    head = cfg.model.panoptic_head
    assert cfg.model.backbone.depth == 50
    assert head.num_queries == 100
    losses = [head.loss_cls, head.loss_mask, head.loss_dice, head.loss_occlusion]
    weights = [loss.loss_weight for loss in losses]
    assert weights == [0.2, 0.5, 0.5, 2]
    # and Mask2Former's: costs in the ratio of the losses, a batch of 16
    costs = [cost.weight for cost in cfg.model.train_cfg.assigner.match_costs]
    assert costs == pytest.approx([10 * weight for weight in weights[:3]])
    assert (
        cfg.auto_scale_lr.base_batch_size == 16 == 8 * cfg.train_dataloader.batch_size
    )
    assert cfg.train_cfg.max_epochs == cfg.param_scheduler.end == 100


@pytest.mark.parametrize('name', ABLATIONS)
def test_ablations_change_what_their_name_says(name):
    parent, _, what = name.rpartition('_')
    changed = changes(load(parent), cfg := load(name))
    head = cfg.model.panoptic_head
    keys = {key.removeprefix('model.panoptic_head.').split('.')[0] for key in changed}
    if what.startswith('q'):
        assert changed == {'model.panoptic_head.num_queries': int(what[1:])}
    elif what.startswith('loss-'):
        off = ConfigDict(loss_weight=0)
        assert keys <= set(LOSSES.values())
        used = {key for key, loss in LOSSES.items() if (head[loss] or off).loss_weight}
        assert used == set(what.split('-')[1:])
    else:
        expected = {
            'wo-odm': {'odm', 'transformer_decoder'},
            'odm-rates': {'amodal_occlusion_rates'},
            'soft': {'odm'},
        }
        assert keys == expected[what]


def test_mask_rcnn_has_the_data_the_schedule_and_the_backbone_of_oaformer():
    ours, reference = load('oaformer_tiny_synth'), load('mask-rcnn_tiny_synth')
    of_the_model = {'model', 'data_preprocessor', 'embed_dims', 'attention'}
    assert {key for key in ours if ours[key] != reference.get(key)} == of_the_model
    assert ours.model.backbone == reference.model.backbone
    heads = reference.model.roi_head
    assert heads.bbox_head.num_classes == heads.mask_head.num_classes
    assert heads.bbox_head.num_classes == ours.model.panoptic_head.num_things_classes
    # checkpoints with a scope in their config are refused
    assert '_scope_' not in reference.pretty_text


@pytest.mark.parametrize(
    'data', ['r50_d2sa', 'r50_cocoa-cls', 'r50_kins', 'tiny_synth']
)
@pytest.mark.parametrize('system', ['orcnn', 'bcnet', 'aisformer', 'sln', 'shapedict'])
def test_two_stage_systems_differ_in_their_mask_head(system, data):
    before, after = load(f'mask-rcnn_{data}'), load(f'{system}_{data}')
    own = ['model.roi_head.mask_head.']
    if system == 'sln':
        own += [
            'sln.',
            'model.roi_head.type',
            'model.roi_head.layering_head.',
            'model.roi_head.mask_roi_extractor.roi_layer.output_size',
            'model.train_cfg.rcnn.mask_size',
        ]
    if system == 'shapedict':
        own += [
            'model.roi_head.type',
            'model.test_cfg.rcnn.reclassification_rescoring',
            'model.test_cfg.rcnn.shape_rescoring',
        ]
    changed = changes(before, after)
    rest = {key for key in changed if not key.startswith(tuple(own))}
    # what is published differently
    allowed = {
        'orcnn': {'model.train_cfg.rcnn.sampler.num'},
        'bcnet': set(),
        'aisformer': {'max_iters', 'train_cfg.max_iters', 'param_scheduler.1.end'},
        'sln': set(),
        'shapedict': set(),
    }[system]
    milestones = {'param_scheduler.1.milestones.0', 'param_scheduler.1.milestones.1'}
    assert rest <= allowed | milestones
    if data == 'tiny_synth':
        assert not rest
    heads = after.model.roi_head
    assert heads.bbox_head.num_classes == heads.mask_head.num_classes
    build(f'{system}_{data}')


@pytest.mark.parametrize('data', ['d2sa', 'cocoa-cls'])
def test_class_agnostic_children_change_the_protocol_only(data):
    parent = f'sln_r50_{data}'
    before, after = load(parent), load(f'{parent}_class-agnostic')
    changed = changes(before, after)
    heads = {
        f'model.roi_head.{head}.num_classes': 1 for head in ('bbox_head', 'mask_head')
    }
    assert {key: changed.pop(key) for key in heads} == heads
    # every data set and both metrics
    owners = {
        key.removesuffix('ann_file')
        for key in flat(after._cfg_dict)
        if key.endswith('.ann_file') and key.split('.')[0].endswith(('loader', 'or'))
    }
    assert changed == {f'{owner}class_agnostic': True for owner in owners}
    assert len(changed) == (6 if data == 'd2sa' else 5)
    build(f'{parent}_class-agnostic')


@pytest.mark.parametrize(
    'data', ['r50_d2sa', 'r50_cocoa-cls', 'r50_kins', 'tiny_synth', 'tiny_d2sa-sample']
)
def test_bcnet_on_fcos_has_the_rest_of_bcnet(data):
    before, after = load(f'bcnet_{data}'), load(f'bcnet-fcos_{data}')
    of_the_model = {'model', 'proposals', 'roi_extractor', 'strides'}
    keys = {*before, *after}
    assert {key for key in keys if before.get(key) != after.get(key)} <= of_the_model
    before, after = before.model, after.model
    for part in ('backbone', 'data_preprocessor'):
        assert before[part] == after[part]
    assert before.roi_head.mask_head == after.roi_head.mask_head
    assert before.roi_head.bbox_head.num_classes == after.bbox_head.num_classes


def test_fcos_is_mmdetections():
    name = 'fcos_r50-caffe_fpn_gn-head-center-normbbox-centeronreg-giou_1x_coco.py'
    stock = get_config(f'mmdet::fcos/{name}').model
    ours = load('bcnet-fcos_r50_cocoa-cls').model
    # what BCNet's released config has otherwise, and the masks
    changed = dict(score_thr=0.03, mask_thr_binary=0.5)
    assert ours.test_cfg == stock.test_cfg | changed
    assert flat(stock.neck) == flat(ours.neck)
    models = []
    for cfg in (ours, stock):
        cfg.backbone.init_cfg = None
        models.append(MODELS.build(cfg))
    shapes, expected = (
        {name: weight.shape for name, weight in model.state_dict().items()}
        for model in models
    )
    assert all(shapes[name] == shape for name, shape in expected.items())
    rest = shapes.keys() - expected.keys()
    assert all(name.startswith('roi_head.mask_head.') for name in rest)
    head, other = (model.bbox_head for model in models)
    settings = {'prior_generator', 'bbox_coder', 'train_cfg', 'test_cfg', 'training'}
    for name, value in vars(other).items():
        if not name.startswith('_') and name not in settings:
            assert getattr(head, name) == value, name
    assert vars(head.loss_cls) == vars(other.loss_cls)
    assert (head.loss_bbox.loss_weight, other.loss_bbox.loss_weight) == (1.25, 1)


@pytest.mark.parametrize(
    ('data', 'images', 'rate', 'iterations', 'milestones'),
    [
        ('d2sa', 2, 0.005, 70000, [40000, 60000]),
        ('cocoa-cls', 2, 0.0005, 10000, [8000]),
        ('kins', 1, 0.0025, 48000, [30000, 40000]),
    ],
)
def test_two_stage_schedules(data, images, rate, iterations, milestones):
    cfg = load(f'mask-rcnn_r50_{data}')
    assert (
        cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == images
    )
    assert cfg.optim_wrapper.optimizer.lr == rate
    assert cfg.train_cfg.max_iters == cfg.param_scheduler[1].end == iterations
    assert cfg.param_scheduler[1].milestones == milestones
    # the pipeline that trains is the one that the config shows
    dataset = cfg.train_dataloader.dataset
    for part in dataset.get('datasets', [dataset]):
        assert part.pipeline == cfg.train_pipeline
    sizes = cfg.train_pipeline[2].scales
    assert sizes == (
        [(3000, 800)] if data == 'kins' else [(1333, s) for s in range(640, 801, 32)]
    )


@pytest.mark.parametrize('parent', [MAIN, 'oaformer_tiny_synth'])
def test_visible_masks_change_their_two_losses_only(parent):
    before = load(parent)
    head = before.model.panoptic_head
    after = load(f'{parent}_visible')
    changed = changes(before, after)
    # built in the loader's processes, for every part of the training data
    built = {key for key in changed if key.endswith('.build_visible')}
    assert built == {
        key.replace('.type', '.build_visible')
        for key, value in flat(after._cfg_dict).items()
        if key.startswith('train') and value == 'PackAmodalInputs'
    }
    assert {key: changed[key] for key in changed.keys() - built} == {
        'model.panoptic_head.loss_visible_mask.loss_weight': head.loss_mask.loss_weight,
        'model.panoptic_head.loss_visible_dice.loss_weight': head.loss_dice.loss_weight,
    }


@pytest.mark.parametrize('parent', [MAIN, 'oaformer_tiny_synth'])
def test_prompts_change_themselves_only(parent):
    changed = changes(load(parent), load(f'{parent}_prompts'))
    assert all(key.endswith(('.build_visible', '.prompts')) for key in changed)
    model = build(f'{parent}_prompts')
    assert model.panoptic_head.prompt_encoder is not None


def test_without_odm_has_the_same_depth_and_nearly_the_size():
    with_odm, plain = (build(MAIN), build(f'{MAIN}_wo-odm'))
    odm = with_odm.panoptic_head.odm
    decoders = odm.transformer_decoder, with_odm.panoptic_head.transformer_decoder
    assert sum(len(decoder.layers) for decoder in decoders) == 9
    assert len(plain.panoptic_head.transformer_decoder.layers) == 9
    # the occlusion embedding module and one more norm
    own = parameters(odm.occlusion_embedding)
    own += parameters(odm.transformer_decoder.post_norm)
    assert parameters(with_odm) - parameters(plain) == own < 0.01 * parameters(plain)


def build(name):
    """Build a model without the memory and the values of its weights."""
    with torch.device('meta'):
        return MODELS.build(load(name).model)


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize('shape', [(128, 128, 3), (37, 50, 3)])
def test_synth_amodal_is_tested_at_its_own_size(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    resize = Compose(load('oaformer_tiny_synth').test_pipeline[1:2])
    resized = resize(dict(img=image.copy()))
    assert np.array_equal(resized['img'], image)
    assert resized['scale_factor'] == (1, 1)


@pytest.fixture
def with_hook(tmp_path):
    """D2SA's config with ``_base_/hooks/<name>.py`` and the lines that this needs."""

    def load_child(name, *lines):
        bases = [str(PATHS[MAIN]), str(CONFIGS / '_base_' / 'hooks' / f'{name}.py')]
        path = tmp_path / 'child.py'
        path.write_text('\n'.join([f'_base_ = {bases}', *lines]))
        return Config.fromfile(path)

    return load_child


def test_tensorboard_is_added_to_the_local_backend(with_hook):
    cfg = with_hook(
        'tensorboard',
        'visualizer = dict(vis_backends=_base_.tensorboard_backends)',
        'default_hooks = dict(logger=_base_.tensorboard_logger)',
    )
    backends = [backend.type for backend in cfg.visualizer.vis_backends]
    assert backends == ['LocalVisBackend', 'TensorboardVisBackend']
    logger = load(MAIN).default_hooks.logger
    assert cfg.default_hooks.logger == dict(logger, log_metric_by_epoch=False)


def test_validation_loss_has_training_samples_without_chance(with_hook, sample_data):
    line = 'custom_hooks = [*_base_.custom_hooks, _base_.validation_loss]'
    cfg = with_hook('validation_loss', line)
    assert cfg.custom_hooks[:-1] == load(MAIN).custom_hooks
    assert cfg.custom_hooks[-1].type == 'ValidationLossHook'

    data = cfg.val_dataloader.dataset
    data.data_root = str(sample_data / 'd2sa_sample')
    data.pipeline = cfg.custom_hooks[-1].pipeline
    dataset = DATASETS.build(data)
    once, twice = dataset[0], dataset[0]
    sample = once['data_samples']
    assert max(sample.img_shape) == cfg.image_size[0]
    masks = sample.gt_instances.masks
    assert (masks.height, masks.width) == sample.img_shape == once['inputs'].shape[1:]
    again = twice['data_samples'].gt_instances.masks
    assert np.array_equal(masks.masks, again.masks)
    assert (once['inputs'] == twice['inputs']).all()
