import pytest
import torch
from mmdet.structures.mask import BitmapMasks
from tiny_models import SIZE, samples

from oaformer.models.task_modules import amodal_targets

CPU = torch.device('cpu')


def test_objects_of_all_images_in_order():
    batch = samples((3, 0, 2))
    targets = amodal_targets(batch, CPU, True, with_visible_masks=True)
    assert targets.counts == [3, 0, 2]
    assert targets.offsets() == [0, 3, 3]
    last = batch[2].gt_instances
    assert torch.equal(targets.labels[3:], last.labels)
    for found, expected, dtype in (
        (targets.masks, last.masks.masks, torch.uint8),
        (targets.visible_masks, last.masks.visible, torch.uint8),
        (targets.occlusion_rates, last.masks.occlusion_rates, torch.float32),
    ):
        assert len(found) == 5
        assert found.dtype == dtype
        assert torch.equal(found[3:], torch.from_numpy(expected))
    assert not torch.equal(targets.visible_masks, targets.masks)


def test_masks_must_be_there_and_padded():
    batch = samples((1,))
    batch[0].set_metainfo(dict(batch_input_shape=(96, 96)))
    with pytest.raises(ValueError, match='pad_mask=True'):
        amodal_targets(batch, CPU, True)
    del batch[0].gt_instances.masks
    with pytest.raises(ValueError, match='image.png has no gt_instances.masks'):
        amodal_targets(batch, CPU, True)


@pytest.mark.parametrize('needed', ['with_occlusion_rates', 'with_visible_masks'])
def test_plain_masks_suffice_for_amodal_losses_only(needed):
    batch = samples((1,))
    batch[0].gt_instances.masks = BitmapMasks(batch[0].gt_instances.masks.masks, *SIZE)
    targets = amodal_targets(batch, CPU, False)
    assert targets.occlusion_rates is targets.visible_masks is None
    with pytest.raises(ValueError, match='image.png.*BitmapMasks.*LoadAmodal'):
        amodal_targets(batch, CPU, **{'with_occlusion_rates': False, needed: True})
