"""From MMDetection's Mask R-CNN, trained on COCO, to the two-stage systems."""

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from roi_cases import SYSTEMS, two_stage
from tiny_models import CONFIGS

from oaformer.models.converters import (
    ConversionError,
    convert_mask_rcnn,
    take_class_rows,
    with_branch_names,
)

HEAD = 'roi_head.mask_head.'


@pytest.fixture(scope='module')
def stock():
    """MMDetection's own Mask R-CNN with four classes, as small as ours."""
    cfg = Config.fromfile(
        CONFIGS / '_base_' / 'models' / 'amodal-mask-rcnn_tiny.py',
        import_custom_modules=False,
    )
    head = dict(cfg.model.roi_head.mask_head, type='FCNMaskHead', num_classes=4)
    cfg.model.roi_head.update(type='StandardRoIHead', mask_head=head)
    cfg.model.roi_head.bbox_head.num_classes = 4
    torch.manual_seed(5)
    return MODELS.build(cfg.model).state_dict()


@pytest.mark.parametrize('system', [s for s in SYSTEMS if 'fcos' not in s])
def test_each_branch_gets_the_head(stock, system):
    model = two_stage(system)
    state = model.state_dict()
    renamed = with_branch_names(stock, state)
    weights = take_class_rows(renamed.weights, state, {0: 3, 2: 1})
    conversion = convert_mask_rcnn(weights, state)
    model.load_state_dict(conversion.weights, strict=False)
    loaded = model.state_dict()
    for name, tensor in stock.items():
        if not any(part in name for part in ('mask_head', 'fc_cls', 'fc_reg')):
            assert torch.equal(loaded[name], tensor), name
    trunks = getattr(model.roi_head.mask_head, 'trunks', {})
    for branch in trunks:
        for name in ('convs.0.conv.weight', 'upsample.bias'):
            ours = loaded[f'{HEAD}trunks.{branch}.{name}']
            assert torch.equal(ours, stock[HEAD + name])
        logits = loaded[f'{HEAD}trunks.{branch}.conv_logits.weight']
        assert torch.equal(logits[[0, 2]], stock[HEAD + 'conv_logits.weight'][[3, 1]])
        # a class of another name starts afresh
        fresh = state[f'{HEAD}trunks.{branch}.conv_logits.weight']
        assert torch.equal(logits[1], fresh[1])
    fresh = {name for name in conversion.fresh if name.startswith(HEAD)}
    has_other_layers = system in ('bcnet', 'aisformer', 'sln')
    assert bool(renamed.left_out) == has_other_layers
    # ShapeDict has further layers beside the branches
    assert bool(fresh) == (has_other_layers or system == 'shapedict')
    # and SLN's own head
    layering = {name for name in conversion.fresh if 'layering_head' in name}
    assert bool(layering) == (system == 'sln')


def test_rows_of_classes(stock):
    model = two_stage('mask-rcnn').state_dict()
    weights = with_branch_names(stock, model).weights
    taken = take_class_rows(weights, model, {1: 2})
    box = 'roi_head.bbox_head.'
    scores, deltas = taken[box + 'fc_cls.bias'], taken[box + 'fc_reg.weight']
    assert scores[1] == stock[box + 'fc_cls.bias'][2]
    # no object
    assert scores[3] == stock[box + 'fc_cls.bias'][4]
    assert scores[0] == model[box + 'fc_cls.bias'][0]
    assert torch.equal(deltas[4:8], stock[box + 'fc_reg.weight'][8:12])
    assert torch.equal(deltas[:4], model[box + 'fc_reg.weight'][:4])


def test_weights_that_do_not_fit(stock):
    model = two_stage('orcnn').state_dict()
    with pytest.raises(
        ConversionError, match="not weights of MMDetection's Mask R-CNN"
    ):
        with_branch_names({'panoptic_head.x': torch.zeros(1)}, model)
    weights = take_class_rows(with_branch_names(stock, model).weights, model, None)
    assert convert_mask_rcnn(weights, model).fresh
    with pytest.raises(ConversionError, match='1 have no place in it: neck.more'):
        convert_mask_rcnn(weights | {'neck.more': torch.zeros(1)}, model)
    name = 'rpn_head.rpn_cls.bias'
    with pytest.raises(
        ConversionError, match=rf'1 have another shape: {name} is \(2,\)'
    ):
        convert_mask_rcnn(weights | {name: torch.zeros(2)}, model)
    del weights[name]
    with pytest.raises(ConversionError, match=f'1 are needed, too: {name}'):
        convert_mask_rcnn(weights, model)
