"""Whole detectors, from their small configs."""

import copy

import numpy as np
import pytest
import torch
from pycocotools import mask as mask_util
from roi_cases import SYSTEMS, two_stage, two_stage_samples
from tiny_models import images

from oaformer.structures import as_amodal_instances


@pytest.fixture(params=SYSTEMS)
def model(request):
    return two_stage(request.param)


@pytest.mark.parametrize('counts', [(3, 2), (0, 0), (0, 2)])
def test_a_training_step(model, counts):
    torch.manual_seed(1)
    losses = model.loss(images(), two_stage_samples(counts=counts))
    total, logged = model.parse_losses(losses)
    assert total.isfinite()
    names = {name for name in logged if name.startswith('loss_mask')}
    assert len(names) == len(model.roi_head.mask_head.branches)
    total.backward()
    # every process has a gradient for every weight that learns
    without = [
        name
        for name, weight in model.named_parameters()
        if weight.requires_grad and weight.grad is None
    ]
    assert without == []


def test_half_precision(model):
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model.loss(images(), two_stage_samples())
    total, _ = model.parse_losses(losses)
    assert total.isfinite()
    total.backward()
    with torch.no_grad(), torch.autocast('cpu', dtype=torch.bfloat16):
        for sample in model.eval().predict(images(), two_stage_samples()):
            assert len(sample.pred_instances.masks) > 0


@torch.no_grad()
def test_predictions(model):
    samples = two_stage_samples(output_size=(32, 48))
    for sample in samples:
        sample.set_metainfo(dict(scale_factor=(2.0, 2.0)))
    for sample in model.eval().predict(images(), samples):
        instances = sample.pred_instances
        assert len(instances) > 0
        assert all(rle['size'] == [32, 48] for rle in instances.masks)
        assert instances.bboxes[:, 2].max() <= 48
        # the contract of all consumers
        again = as_amodal_instances(instances)
        assert again.masks == instances.masks
        visible = 'visible' in model.roi_head.mask_head.branches
        assert ('visible_masks' in instances) == visible
        assert ('occlusion_rates' in instances) == visible


@torch.no_grad()
def test_without_detections(model):
    boxes = (model.roi_head if model.roi_head.with_bbox else model.bbox_head).test_cfg
    boxes.score_thr = 1.1
    samples = model.eval().predict(images(), two_stage_samples())
    boxes.score_thr = 0.0
    others = model.predict(images(), two_stage_samples())
    for sample, other in zip(samples, others, strict=True):
        assert len(sample.pred_instances) == 0 < len(other.pred_instances)
        assert set(sample.pred_instances.keys()) == set(other.pred_instances.keys())


@torch.no_grad()
def test_branches_do_not_change_the_boxes():
    """MMDetection's mask head rescales boxes in place, once for each call."""
    expected = None
    for system in SYSTEMS:
        model = two_stage(system).eval()
        if not model.roi_head.with_bbox:
            continue
        other = two_stage('mask-rcnn')
        weights = {
            name: tensor
            for name, tensor in other.state_dict().items()
            if 'mask_head' not in name
        }
        model.load_state_dict(weights, strict=False)
        # ShapeDict chooses boxes by their masks
        model.roi_head.test_cfg.update(
            reclassification_rescoring=False, shape_rescoring=None
        )
        samples = two_stage_samples(output_size=(32, 48))
        for sample in samples:
            sample.set_metainfo(dict(scale_factor=(2.0, 2.0)))
        results = model.predict(images(), samples)
        boxes = [sample.pred_instances.bboxes for sample in results]
        expected = expected or copy.deepcopy(boxes)
        for ours, theirs in zip(boxes, expected, strict=True):
            assert torch.equal(ours, theirs)


@pytest.mark.slow
@pytest.mark.parametrize('system', SYSTEMS)
def test_learns_a_few_images(system):
    """Each object is found; none is smaller than half the smallest anchor."""
    model = two_stage(system)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    samples, batch = two_stage_samples(seed=1), images()
    contrasts = 3 * torch.eye(3) - 1
    for image, sample in zip(batch, samples, strict=True):
        truth = sample.gt_instances
        for mask, label in zip(truth.masks.masks, truth.labels, strict=True):
            image[:, mask > 0] += contrasts[label][:, None]
    for iteration in range(200):
        if iteration == 150:
            optimizer.param_groups[0]['lr'] = 1e-4
        total, _ = model.parse_losses(model.loss(batch, copy.deepcopy(samples)))
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    with torch.no_grad():
        results = model.eval().predict(batch, copy.deepcopy(samples))
    for result, sample in zip(results, samples, strict=True):
        truth = sample.gt_instances
        found = result.pred_instances[result.pred_instances.scores > 0.8]
        assert sorted(found.labels.tolist()) == sorted(truth.labels.tolist())
        crowd = [0] * len(truth)
        kinds = [('masks', truth.masks.masks)]
        if 'visible_masks' in found:
            kinds.append(('visible_masks', truth.masks.visible))
        for key, masks in kinds:
            encoded = mask_util.encode(np.asfortranarray(masks.transpose(1, 2, 0)))
            overlaps = mask_util.iou(found[key], encoded, crowd)
            same = found.labels[:, None] == truth.labels
            best = np.where(same.numpy(), overlaps, 0).max(axis=0)
            # an object that is wholly hidden has no visible mask to find
            assert (best[masks.any(axis=(1, 2))] > 0.6).all()
