"""Prompted queries: objects that enter the decoder as what is known of them."""

import pytest
import torch
from tiny_models import NUM_CLASSES, SIZE, images, oaformer, samples, without_odm

from oaformer.models.heads import oaformer_head
from oaformer.models.losses import stage_losses
from oaformer.models.task_modules import Prompts

VISIBLE = dict(loss_visible_mask=dict(), loss_visible_dice=dict())
VARIANTS = {
    'odm': {},
    'without odm': without_odm()['panoptic_head'],
    'short odm': dict(odm=dict(num_layers=1)),
    'soft': dict(odm=dict(attention_mask='soft')),
    'visible': VISIBLE,
}


def model_of(prompts=True, seed=0, **head):
    head = {**head, 'prompts': {}} if prompts else head
    return oaformer(seed, panoptic_head=head)


def prompts_of(counts=(3, 2), seed=0):
    generator = torch.Generator().manual_seed(seed)
    masks = torch.zeros(sum(counts), *SIZE, dtype=torch.uint8)
    for index, mask in enumerate(masks):
        mask[index * 8 : index * 8 + 20, index * 10 : index * 10 + 30] = 1
    labels = torch.randint(NUM_CLASSES + 1, (len(masks),), generator=generator)
    is_box = torch.arange(len(masks)) % 2 == 0
    return Prompts(masks, is_box, labels, list(counts))


def losses_of(model, counts=(3, 2)):
    torch.manual_seed(0)
    return model.loss(images(len(counts)), samples(counts))


def run(model, prompts, **options):
    with torch.no_grad():
        features = model.extract_feat(images(len(prompts.counts)))
        return model.panoptic_head(features, prompts=prompts, **options)


def tensors(output):
    lists = [
        field for name, field in output._asdict().items() if name != 'mask_features'
    ]
    return [tensor for field in lists for tensor in field]


def test_off_by_default():
    off, on = model_of(prompts=False), model_of()
    added = on.state_dict().keys() - off.state_dict().keys()
    assert {name.rsplit('.', 2)[0] for name in added} == {
        'panoptic_head.prompt_encoder'
    }
    assert not any('prompt' in name for name in losses_of(off))
    on.load_state_dict(off.state_dict(), strict=False)
    # without prompts the model is the same, in prediction and validation loss
    off.eval(), on.eval()
    features = off.extract_feat(images())
    for first, second in zip(
        tensors(off.panoptic_head(features)),
        tensors(on.panoptic_head(features)),
        strict=True,
    ):
        assert torch.equal(first, second)
    expected, losses = losses_of(off), losses_of(on)
    assert expected.keys() == losses.keys()
    assert all(torch.equal(losses[name], value) for name, value in expected.items())


@pytest.mark.parametrize('head', VARIANTS.values(), ids=VARIANTS)
def test_free_queries_do_not_see_the_prompted_ones(head):
    model = model_of(**head).eval()
    prompts = prompts_of()
    free, prompted = run(model, prompts).split(model.panoptic_head.num_queries)
    with torch.no_grad():
        alone = model.panoptic_head(model.extract_feat(images()))
    for first, second in zip(tensors(free), tensors(alone), strict=True):
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-5)
    # nor the other way round
    only = run(model, prompts, only_prompts=True)
    for first, second in zip(tensors(prompted), tensors(only), strict=True):
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('head', VARIANTS.values(), ids=VARIANTS)
def test_permuted_prompts_permute_the_outputs(head):
    model = model_of(**head).eval()
    prompts = prompts_of((3, 3))
    order = torch.tensor([2, 0, 1, 4, 5, 3])
    permuted = Prompts(
        prompts.masks[order], prompts.is_box[order], prompts.labels[order], [3, 3]
    )
    expected = tensors(run(model, prompts, only_prompts=True))
    output = tensors(run(model, permuted, only_prompts=True))
    for first, second in zip(expected, output, strict=True):
        # (2, 3, ...) -> (6, ...)
        first, second = first.flatten(0, 1)[order], second.flatten(0, 1)
        torch.testing.assert_close(second, first, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('head', VARIANTS.values(), ids=VARIANTS)
def test_padding_changes_nothing(head):
    model = model_of(**head).eval()
    prompts = prompts_of((2, 4))
    padded = tensors(run(model, prompts, only_prompts=True))
    first_two = Prompts(*(field[:2] for field in prompts[:3]), [2, 0])
    alone = tensors(run(model, first_two, only_prompts=True))
    for first, second in zip(padded, alone, strict=True):
        torch.testing.assert_close(first[0, :2], second[0, :2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('head', VARIANTS.values(), ids=VARIANTS)
def test_losses_of_all_stages_but_the_first(head):
    model = model_of(**head)
    losses = losses_of(model)
    prompted = {name for name in losses if name.startswith('prompt.')}
    free = losses.keys() - prompted
    expected = {f'prompt.{name}' for name in free if not name.startswith('d0.')}
    assert prompted == expected
    total, _ = model.parse_losses(losses)
    total.backward()
    for name, weight in model.panoptic_head.prompt_encoder.named_parameters():
        assert weight.grad.abs().sum() > 0, name


def test_targets_are_known_without_matching(monkeypatch):
    # all losses of the prompted queries come from their own objects
    model = model_of().eval()
    head = model.panoptic_head
    head.train()
    seen = []

    def note(functions, output, targets, matches, counts, num_masks, prompted=False):
        if prompted:
            seen.append((matches[0], counts))
        return stage_losses(
            functions, output, targets, matches, counts, num_masks, prompted
        )

    monkeypatch.setattr(oaformer_head, 'stage_losses', note)
    losses_of(model)
    ((match, counts),) = seen
    # but of objects that are hidden as a whole
    seen_objects = [
        [mask.any() for mask in sample.gt_instances.masks.visible]
        for sample in samples()
    ]
    assert counts == [sum(image) for image in seen_objects]
    expected = [index for index, is_seen in enumerate(sum(seen_objects, [])) if is_seen]
    assert match.instance.tolist() == expected
    assert match.image.tolist() == [0] * counts[0] + [1] * counts[1]
    assert match.query.tolist() == [*range(counts[0]), *range(counts[1])]


@pytest.mark.parametrize('counts', [(0, 0), (0, 2), (12, 1)])
def test_empty_images_and_more_objects_than_queries(counts):
    model = model_of()
    total, _ = model.parse_losses(losses_of(model, counts))
    assert torch.isfinite(total)
    total.backward()
    # distributed training needs a gradient for every weight
    encoder = model.panoptic_head.prompt_encoder
    assert all(weight.grad is not None for weight in encoder.parameters())


def test_half_precision():
    model = model_of()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        total, _ = model.parse_losses(losses_of(model))
    assert total.dtype == torch.float32 and torch.isfinite(total)


def test_complete_gives_a_query_for_each_object():
    model = model_of(**VISIBLE).eval()
    with torch.no_grad():
        features = model.extract_feat(images())
        output = model.panoptic_head.complete(features, prompts_of((3, 1)))
    assert output['cls_scores'].shape == (2, 3, NUM_CLASSES + 1)
    assert output['mask_embeds'].shape[:2] == (2, 3)
    assert output['occlusion_logits'].shape == (2, 3)
    assert output['visible_mask_embeds'].shape[:2] == (2, 3)


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match='noise'):
        oaformer(panoptic_head=dict(prompts=dict(noise=0.1)))
