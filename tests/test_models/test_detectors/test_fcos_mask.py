"""Which boxes masks are learned on, and that they are FCOS's."""

import copy

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from pycocotools import mask as mask_util
from roi_cases import (
    instances,
    rectangle,
    two_stage,
    two_stage_config,
    two_stage_samples,
)
from tiny_models import SIZE, images

from oaformer.structures import AmodalMasks

# Distances in strides to the left, top, right and bottom of the second level's point in
# row 2, column 3, which is (28, 20).
DISTANCES = (1.0, 1.5, 2.0, 1.0)
BOX = [20.0, 8.0, 44.0, 28.0]


@pytest.fixture
def model():
    """It finds what is planted, nothing else."""
    model = two_stage('bcnet-fcos')
    model.bbox_head.test_cfg.score_thr = 0.03
    return model


def plant(model, monkeypatch, image=0, distances=DISTANCES, score=4.0):
    """Make FCOS predict one box, in one image of two, and otherwise nothing."""
    forward = model.bbox_head.forward

    def planted(x):
        scores, boxes, centernesses = forward(x)
        for level in scores:
            level.data.fill_(-20)
        scores[1].data[image, 1, 2, 3] = score
        centernesses[1].data.fill_(4)
        boxes[1].data[image, :, 2, 3] = torch.tensor(distances)
        return scores, boxes, centernesses

    monkeypatch.setattr(model.bbox_head, 'forward', planted)


def batch(*boxes):
    """Images with rectangles, the first of them in front."""
    data_samples = two_stage_samples(counts=(0, 0))
    for sample, objects in zip(data_samples, boxes, strict=True):
        amodal = [rectangle(*map(int, box), size=SIZE) for box in objects]
        amodal = np.array(amodal)
        sample.gt_instances = instances(AmodalMasks(amodal, *SIZE, visible=amodal))
    return data_samples


def training_boxes(model, data_samples):
    """Boxes and objects of each image that masks are learned on."""
    seen = []
    mask_loss = model.roi_head.mask_loss

    def recorded(x, sampling_results, *args):
        seen.extend(sampling_results)
        return mask_loss(x, sampling_results, *args)

    model.roi_head.mask_loss = recorded
    losses = model.train().loss(images(), data_samples)
    found = [
        (each.pos_priors.tolist(), each.pos_assigned_gt_inds.tolist()) for each in seen
    ]
    return found, losses


def test_masks_are_learned_on_the_objects_and_the_boxes_that_meet_one(
    model, monkeypatch
):
    plant(model, monkeypatch)
    # 24 x 20 of 24 x 22 pixels, and beside it
    over, beside = [20.0, 8.0, 44.0, 30.0], [50.0, 8.0, 80.0, 30.0]
    found, _ = training_boxes(model, batch([beside, over], [beside]))
    assert found == [([beside, over, BOX], [0, 1, 1]), ([beside], [0])]


def test_boxes_that_meet_no_object_are_left_out(model, monkeypatch):
    plant(model, monkeypatch)
    # 24 x 20 of 24 x 42 pixels are less than a half
    tall = [20.0, 8.0, 44.0, 50.0]
    found, losses = training_boxes(model, batch([tall], []))
    assert found == [([tall], [0]), ([], [])]
    assert losses['loss_mask'] > 0
    found, losses = training_boxes(model, batch([], []))
    assert found == [([], []), ([], [])]
    assert losses['loss_mask'] == 0


def test_without_a_confident_box_the_objects_are_left(model, monkeypatch):
    box = [20.0, 8.0, 44.0, 28.0]
    # sigmoid(-4) is 0.018
    plant(model, monkeypatch, score=-4.0)
    found, _ = training_boxes(model, batch([box], []))
    assert found == [([box], [0]), ([], [])]


@torch.no_grad()
def test_masks_lie_in_their_boxes(model, monkeypatch):
    plant(model, monkeypatch, image=1)
    monkeypatch.setattr(
        model.roi_head.mask_head, 'forward', lambda x: torch.ones(len(x), 4, 28, 28)
    )
    data_samples = two_stage_samples(output_size=(32, 48))
    for sample in data_samples:
        sample.set_metainfo(dict(scale_factor=(2.0, 2.0)))
    nothing, one = (
        sample.pred_instances for sample in model.eval().predict(images(), data_samples)
    )
    assert len(nothing) == 0 and set(nothing.keys()) == set(one.keys())
    assert one.labels.tolist() == [1]
    assert one.scores.item() == pytest.approx(torch.tensor(4.0).sigmoid().item() ** 2)
    # of half the size
    assert one.bboxes.tolist() == [[10.0, 4.0, 22.0, 14.0]]
    expected = rectangle(10, 4, 22, 14, size=(32, 48))
    assert np.array_equal(mask_util.decode(one.masks[0]), expected)


@torch.no_grad()
@pytest.mark.parametrize('rescale', [True, False])
def test_boxes_are_those_of_stock_fcos(rescale):
    model = two_stage('bcnet-fcos').eval()
    cfg = two_stage_config('bcnet-fcos')
    cfg.type, cfg.bbox_head.type = 'FCOS', 'FCOSHead'
    del cfg.roi_head
    stock = MODELS.build(cfg).eval()
    unused = stock.load_state_dict(model.state_dict(), strict=False)
    assert not unused.missing_keys
    assert all(key.startswith('roi_head.') for key in unused.unexpected_keys)
    data_samples = two_stage_samples(output_size=(32, 48))
    for sample in data_samples:
        sample.set_metainfo(dict(scale_factor=(2.0, 2.0)))
    results = [
        each.predict(images(), copy.deepcopy(data_samples), rescale=rescale)
        for each in (model, stock)
    ]
    size = [32, 48] if rescale else [64, 96]
    for sample, other in zip(*results, strict=True):
        ours, theirs = sample.pred_instances, other.pred_instances
        assert len(ours) == cfg.test_cfg.max_per_img
        for key in ('bboxes', 'scores', 'labels'):
            assert torch.equal(ours[key], theirs[key])
        assert all(rle['size'] == size for rle in ours.masks)
