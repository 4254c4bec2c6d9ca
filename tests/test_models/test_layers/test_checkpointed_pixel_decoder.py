import torch
from tiny_models import oaformer, pictures, samples

CHECKPOINTED = dict(pixel_decoder=dict(type='CheckpointedPixelDecoder'))


def losses_and_gradients(model):
    torch.manual_seed(0)
    losses = model.loss(pictures(), samples())
    sum(losses.values()).backward()
    gradients = {
        name: parameter.grad
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    return losses, gradients


def saved_elements(model):
    sizes = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: sizes.append(tensor.numel()) or tensor, lambda tensor: tensor
    ):
        model.panoptic_head.pixel_decoder(model.extract_feat(pictures()))
    return sum(sizes)


def test_losses_and_gradients_are_the_same():
    plain, checkpointed = oaformer(), oaformer(panoptic_head=CHECKPOINTED)
    checkpointed.load_state_dict(plain.state_dict(), strict=True)
    expected, expected_gradients = losses_and_gradients(plain)
    losses, gradients = losses_and_gradients(checkpointed)
    torch.testing.assert_close(losses, expected)
    assert gradients.keys() == expected_gradients.keys()
    for name, gradient in expected_gradients.items():
        torch.testing.assert_close(gradients[name], gradient)


def test_less_is_kept_for_the_backward_pass():
    plain, checkpointed = oaformer(), oaformer(panoptic_head=CHECKPOINTED)
    assert saved_elements(checkpointed) < 0.8 * saved_elements(plain)


@torch.no_grad()
def test_prediction_is_the_same():
    plain = oaformer().eval()
    checkpointed = oaformer(panoptic_head=CHECKPOINTED).eval()
    checkpointed.load_state_dict(plain.state_dict(), strict=True)
    first = plain.predict(pictures(), samples())[0].pred_instances
    second = checkpointed.predict(pictures(), samples())[0].pred_instances
    assert first.masks == second.masks
