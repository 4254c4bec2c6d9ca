import pytest
import torch
from mmdet.structures.mask import BitmapMasks
from tiny_models import SIZE, samples

from oaformer.models.losses import amodal_targets

CPU = torch.device('cpu')


def test_images_stand_one_behind_the_other():
    batch = samples((3, 0, 2))
    targets = amodal_targets(batch, CPU, with_occlusion_rates=True)
    assert targets.counts == [3, 0, 2]
    assert targets.offsets() == [0, 3, 3]
    assert targets.masks.shape == (5, *SIZE)
    assert targets.masks.dtype == torch.uint8
    last = batch[2].gt_instances
    rates = torch.from_numpy(last.masks.occlusion_rates)
    assert torch.equal(targets.labels[3:], last.labels)
    assert torch.equal(targets.masks[3:], torch.from_numpy(last.masks.masks))
    assert torch.equal(targets.occlusion_rates[3:], rates)
    assert targets.occlusion_rates.dtype == torch.float32


def test_masks_that_are_not_padded_are_refused():
    batch = samples((1,))
    batch[0].set_metainfo(dict(batch_input_shape=(96, 96)))
    with pytest.raises(ValueError, match='pad_mask=True'):
        amodal_targets(batch, CPU, True)


def test_missing_masks_are_named():
    batch = samples((1,))
    del batch[0].gt_instances.masks
    with pytest.raises(ValueError, match='image.png has no gt_instances.masks'):
        amodal_targets(batch, CPU, True)


def test_visible_masks_only_where_asked_for():
    batch = samples((3, 0, 2))
    assert amodal_targets(batch, CPU, False).visible_masks is None
    targets = amodal_targets(batch, CPU, False, with_visible_masks=True)
    assert targets.visible_masks.dtype == torch.uint8
    assert targets.visible_masks.shape == targets.masks.shape
    last = torch.from_numpy(batch[2].gt_instances.masks.visible)
    assert torch.equal(targets.visible_masks[3:], last)
    assert not torch.equal(targets.visible_masks, targets.masks)
    assert (targets.visible_masks <= targets.masks).all()


@pytest.mark.parametrize('needed', ['with_occlusion_rates', 'with_visible_masks'])
def test_plain_masks_serve_where_nothing_more_is_needed(needed):
    batch = samples((1,))
    batch[0].gt_instances.masks = BitmapMasks(batch[0].gt_instances.masks.masks, *SIZE)
    assert amodal_targets(batch, CPU, False).occlusion_rates is None
    with pytest.raises(ValueError, match='image.png.*BitmapMasks.*LoadAmodal'):
        amodal_targets(batch, CPU, **{'with_occlusion_rates': False, needed: True})
