import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from tiny_models import images, oaformer, samples

from oaformer.models.postprocessors import top_instances
from oaformer.structures import decode_masks


def fusion_head(**test_cfg):
    return MODELS.build(
        dict(
            type='AmodalFusionHead',
            num_things_classes=2,
            test_cfg=ConfigDict(test_cfg),
        )
    )


def output(occlusion=True, visible=False):
    """One image of 16 x 16: query 0 left half, 1 lower half, 2 nothing.

    Visible masks: query 0 lower half, 1 nothing, 2 left half.
    """
    masks = torch.full((1, 3, 4, 4), -20.0)
    masks[0, 0, :, :2] = 20
    masks[0, 1, 2:, :] = 20
    scores = torch.tensor([[[5.0, 0, 0], [0, 3.0, 0], [0, 0, 5.0]]])
    embeds = torch.eye(3)[None]
    tensors = dict(cls_scores=scores, mask_embeds=embeds, mask_features=masks)
    if occlusion:
        tensors['occlusion_logits'] = torch.tensor([[0.0, 20.0, -20.0]])
    if visible:
        tensors['visible_mask_embeds'] = embeds[:, [1, 2, 0]]
    return tensors


def predict(head, **kwargs):
    batch = samples((0,), size=(16, 16), output_size=(32, 32))
    return head.predict(output(**kwargs), batch)[0]


def test_instances_by_hand():
    instances = predict(fusion_head(max_per_image=2))
    assert instances.labels.tolist() == [0, 1]
    probabilities = output()['cls_scores'][0].softmax(-1)
    expected = torch.stack([probabilities[0, 0], probabilities[1, 1]])
    # quality of a mask whose edge is interpolated lies below 1
    assert (instances.scores < expected).all()
    assert (instances.scores > 0.95 * expected).all()
    assert instances.bboxes.tolist() == [[0, 0, 16, 32], [0, 16, 32, 32]]
    torch.testing.assert_close(
        instances.occlusion_rates, torch.tensor([0.5, 1.0]), rtol=0, atol=1e-6
    )
    left, lower = decode_masks(instances.masks)
    assert left[:, :16].all() and not left[:, 16:].any()
    assert lower[16:].all() and not lower[:16].any()


@pytest.mark.parametrize('chunk_size', [1, 2, 100])
def test_chunks_do_not_change_the_result(chunk_size):
    reference = predict(fusion_head(), visible=True)
    instances = predict(fusion_head(mask_chunk_size=chunk_size), visible=True)
    assert instances.masks == reference.masks
    assert instances.visible_masks == reference.visible_masks
    torch.testing.assert_close(instances.scores, reference.scores)


def test_empty_masks_have_empty_boxes_and_score_0():
    instances = predict(fusion_head())
    # there are fewer than max_per_image
    assert len(instances) == 3 * 2
    empty = torch.from_numpy(decode_masks(instances.masks).sum((1, 2)) == 0)
    assert empty.any()
    assert (instances.bboxes[empty] == 0).all() and (instances.scores[empty] == 0).all()


def test_only_what_is_predicted_is_there():
    fields = set(predict(fusion_head(), occlusion=False).keys())
    assert fields == {'bboxes', 'labels', 'scores', 'masks'}


@pytest.mark.parametrize('occlusion', [True, False])
def test_visible_masks_by_hand(occlusion):
    instances = predict(fusion_head(), visible=True, occlusion=occlusion)
    plain = predict(fusion_head())
    for key in ('labels', 'scores', 'bboxes'):
        assert torch.equal(instances[key], plain[key])
    assert instances.masks == plain.masks
    # half of the left half lies in the lower half; nothing of 1 is visible
    assert instances.occlusion_rates[:2].tolist() == [0.5, 1.0]
    assert instances.occlusion_rates_derived is not occlusion
    visible, amodal = map(decode_masks, (instances.visible_masks, instances.masks))
    assert (visible <= amodal).all()
    left, lower = visible[:2]
    # the lower half of the left half
    assert left[16:, :16].all()
    assert left.sum() == 16 * 16
    assert lower.sum() == 0


@torch.no_grad()
def test_visible_masks_are_whole_masks_cut_to_the_amodal_ones():
    """Equal to both resizes of the whole masks, then their intersection."""
    model = oaformer(
        panoptic_head=dict(loss_visible_mask=dict(), loss_visible_dice=dict())
    ).eval()
    head = model.panoptic_head
    # as if trained: no longer a copy of the amodal masks
    torch.nn.init.normal_(head.visible_mask_embed[-1].weight, std=0.3)
    batch = samples((0, 0), image_size=(60, 90), output_size=(117, 175))
    final = head.predict(model.extract_feat(images()))
    predicted = model.predict(images(), batch)
    for index, sample in enumerate(predicted):
        whole = [
            full_size(final[name][index], final['mask_features'][index])
            for name in ('mask_embeds', 'visible_mask_embeds')
        ]
        known = [mask & visible for mask, visible in zip(*whole, strict=True)]
        instances = sample.pred_instances
        masks, visible_masks = (
            torch.from_numpy(decode_masks(rles)).bool()
            for rles in (instances.masks, instances.visible_masks)
        )
        for mask, visible in zip(masks, visible_masks, strict=True):
            (query,) = [q for q in range(7) if torch.equal(whole[0][q], mask)]
            assert torch.equal(known[query], visible)
        assert not torch.equal(visible_masks, masks)


def full_size(embed, features):
    masks = torch.einsum('nc,chw->nhw', embed, features)[None]
    masks = F.interpolate(masks, (64, 96), mode='bilinear')[..., :60, :90]
    return F.interpolate(masks, (117, 175), mode='bilinear')[0] > 0


def test_top_instances_by_hand():
    logits = torch.log(torch.tensor([[0.5, 0.2, 0.3], [0.1, 0.8, 0.1]]))
    top = top_instances(logits, 3)
    torch.testing.assert_close(top.scores, torch.tensor([0.8, 0.5, 0.2]))
    assert top.labels.tolist() == [1, 0, 1]
    assert top.queries.tolist() == [1, 0, 0]


@torch.no_grad()
def test_rates_are_those_of_the_instances_own_queries():
    model = oaformer().eval()
    batch = samples()
    predicted = model.predict(images(), batch)
    head = model.panoptic_head(model.extract_feat(images()), batch)
    rates = head.occlusion_logits[-1].sigmoid()
    for index, sample in enumerate(predicted):
        known = {round(rate, 5) for rate in rates[index].tolist()}
        own = sample.pred_instances.occlusion_rates
        assert len(own) == 10
        assert {round(rate, 5) for rate in own.tolist()} <= known
