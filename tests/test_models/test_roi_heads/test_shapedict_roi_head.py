import pytest
import torch
from mmdet.registry import MODELS
from roi_cases import two_stage, two_stage_config, two_stage_samples
from tiny_models import images

from oaformer.models.roi_heads import shapedict_roi_head

BOTH = dict(reclassification_rescoring=True, shape_rescoring=2.0)


@pytest.fixture
def model():
    return two_stage('shapedict').eval()


def predict(model, **settings):
    cfg = model.roi_head.test_cfg
    for key in ('reclassification_rescoring', 'shape_rescoring'):
        cfg[key] = settings.get(key)
    cfg.score_thr = 0.2
    with torch.no_grad():
        return model.predict(images(), two_stage_samples())


@pytest.mark.parametrize('probability', [1.0, 0.5])
def test_the_same_factor_for_all_changes_no_detection(model, probability):
    """Nor its mask, which is not predicted again after the suppression."""
    stock = predict(model)
    head = model.roi_head.mask_head
    head.shape_distances = lambda logits, labels: torch.zeros(len(labels))
    head.class_probabilities = lambda x, logits, labels: torch.full(
        (len(labels),), probability
    )
    found = predict(model, **BOTH)
    for ours, theirs in zip(found, stock, strict=True):
        ours, theirs = ours.pred_instances, theirs.pred_instances
        assert len(ours) == len(theirs) > 3
        assert torch.equal(ours.bboxes, theirs.bboxes)
        assert torch.equal(ours.labels, theirs.labels)
        scores = theirs.scores * (0.4 * probability + 0.6)
        torch.testing.assert_close(ours.scores, scores ** (1 / 3))
        assert ours.masks == theirs.masks
        assert ours.visible_masks == theirs.visible_masks


def test_a_worse_shape_comes_last(model):
    head = model.roi_head.mask_head
    before = predict(model, shape_rescoring=2.0)[0].pred_instances
    best = before.labels[0].item()
    head.shape_distances = lambda logits, labels: torch.where(labels == best, 0.9, 0.0)
    after = predict(model, shape_rescoring=2.0)[0].pred_instances
    assert after.labels[0] != best
    assert (after.scores.diff() <= 0).all()
    head.shape_distances = lambda logits, labels: torch.ones(len(labels))
    assert len(predict(model, shape_rescoring=2.0)[0].pred_instances) == 0


def test_in_chunks(model, monkeypatch):
    whole = predict(model, **BOTH)
    monkeypatch.setattr(shapedict_roi_head, '_CHUNK', 3)
    parts = predict(model, **BOTH)
    for ours, theirs in zip(parts, whole, strict=True):
        torch.testing.assert_close(
            ours.pred_instances.scores, theirs.pred_instances.scores
        )
        assert torch.equal(ours.pred_instances.labels, theirs.pred_instances.labels)


def test_images_do_not_mix(model):
    both = predict(model, **BOTH)
    model.roi_head.test_cfg.update(BOTH)
    for index, sample in enumerate(two_stage_samples()):
        with torch.no_grad():
            (alone,) = model.predict(images()[index : index + 1], [sample])
        alone, together = alone.pred_instances, both[index].pred_instances
        assert torch.equal(alone.labels, together.labels)
        torch.testing.assert_close(alone.scores, together.scores)
        assert alone.masks == together.masks


@pytest.mark.parametrize(
    ('part', 'setting'),
    [
        ('reclassification', 'reclassification_rescoring'),
        ('shape_priors', 'shape_rescoring'),
    ],
)
def test_rescoring_by_what_is_not_there(part, setting):
    cfg = two_stage_config('shapedict')
    cfg.roi_head.mask_head[part] = None
    cfg.test_cfg.rcnn = {**BOTH, **cfg.test_cfg.rcnn, setting: 2.0}
    with pytest.raises(ValueError, match=f'test_cfg.rcnn.{setting} needs {part}'):
        MODELS.build(cfg)
