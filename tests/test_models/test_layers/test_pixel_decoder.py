import pytest
import torch
from mmdet.models.layers import MSDeformAttnPixelDecoder
from tiny_models import images, oaformer, samples

STOCK = dict(pixel_decoder=dict(type='MSDeformAttnPixelDecoder'))
CHECKPOINTED = dict(pixel_decoder=dict(encoder=dict(num_cp=1)))


def with_own_offsets(model):
    """Sampling offsets that depend on the features, as after some training."""
    torch.manual_seed(1)
    for layer in model.panoptic_head.pixel_decoder.encoder.layers:
        torch.nn.init.normal_(layer.self_attn.sampling_offsets.weight, std=0.2)
        torch.nn.init.normal_(layer.self_attn.attention_weights.weight, std=0.2)
    return model


def test_a_seed_gives_the_same_parameters():
    stock, ours = oaformer(panoptic_head=STOCK), oaformer()
    expected = stock.state_dict()
    assert ours.state_dict().keys() == expected.keys()
    for name, value in ours.state_dict().items():
        assert torch.equal(value, expected[name])
    assert all(p.requires_grad for p in ours.panoptic_head.pixel_decoder.parameters())


def losses_and_gradients(model):
    torch.manual_seed(0)
    losses = model.loss(images(), samples())
    sum(losses.values()).backward()
    gradients = {
        name: parameter.grad
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    return losses, gradients


def saved_elements(model):
    """Elements that the pixel decoder keeps for the backward pass, each once."""
    sizes = {}
    model.train()
    features = model.extract_feat(images())
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: sizes.update({tensor.data_ptr(): tensor.numel()}) or tensor,
        lambda tensor: tensor,
    ):
        model.panoptic_head.pixel_decoder(features)
    return sum(sizes.values())


@pytest.mark.parametrize('other', [STOCK, CHECKPOINTED], ids=['stock', 'checkpointed'])
def test_predictions_losses_and_gradients_are_the_same(other):
    expected_model = with_own_offsets(oaformer(panoptic_head=other))
    model = oaformer()
    assert type(model.panoptic_head.pixel_decoder) is not MSDeformAttnPixelDecoder
    model.load_state_dict(expected_model.state_dict(), strict=True)
    expected, result = (
        each.eval().predict(images(), samples())[0].pred_instances
        for each in (expected_model, model)
    )
    assert result.masks == expected.masks
    torch.testing.assert_close(result.scores, expected.scores, rtol=1e-4, atol=1e-5)
    model.train(), expected_model.train()
    expected, expected_gradients = losses_and_gradients(expected_model)
    losses, gradients = losses_and_gradients(model)
    torch.testing.assert_close(losses, expected)
    assert gradients.keys() == expected_gradients.keys()
    for name, gradient in expected_gradients.items():
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-3, atol=1e-4)


def test_less_is_kept_for_the_backward_pass():
    stock, plain, checkpointed = (
        saved_elements(oaformer(panoptic_head=changes))
        for changes in (STOCK, {}, CHECKPOINTED)
    )
    assert checkpointed < 0.8 * plain
    assert plain < 0.8 * stock
