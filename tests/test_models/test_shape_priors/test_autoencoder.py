import pytest
import torch

from oaformer.models.shape_priors import (
    ShapeAutoencoder,
    mask_ious,
    reconstruction_ious,
    train_autoencoder,
)


@pytest.mark.parametrize(
    ('stages', 'parameters', 'code_size'), [(3, 3073, 128), (2, 1905, 392)]
)
def test_as_large_as_the_released_ones(stages, parameters, code_size):
    model = ShapeAutoencoder(stages)
    assert sum(weight.numel() for weight in model.parameters()) == parameters
    assert model.code_size == code_size
    codes = model.encode(torch.rand(5, 28, 28) > 0.5)
    assert codes.shape == (5, code_size)
    masks = model.decode(codes.unflatten(0, (5, 1)).expand(-1, 2, -1))
    assert masks.shape == (5, 2, 28, 28)
    torch.testing.assert_close(masks[:, 1], model.decode(codes))


def test_wrong_number_of_stages():
    with pytest.raises(ValueError, match='num_stages is one of'):
        ShapeAutoencoder(4)


def test_ious_by_hand():
    first = torch.zeros(3, 4, 4, dtype=torch.bool)
    second = first.clone()
    first[0, :2], second[0, 1:3] = True, True
    first[1, 0], second[1, 3] = True, True
    assert mask_ious(first, second).tolist() == pytest.approx([4 / 12, 0, 0])


def test_learns_eight_shapes():
    rows, columns = torch.meshgrid(torch.arange(28), torch.arange(28), indexing='ij')
    radii = (rows - 13.5).square() + (columns - 13.5).square()
    masks = torch.stack(
        [
            radii < 190,
            (radii < 190) & (radii > 60),
            rows > columns,
            rows + columns < 27,
            (rows > 13) | (columns > 13),
            (rows - 13.5).abs() < 7,
            (columns - 13.5).abs() < 5,
            (rows - 13.5).abs() + (columns - 13.5).abs() < 14,
        ]
    )
    torch.manual_seed(0)
    model = ShapeAutoencoder()
    before = reconstruction_ious(model, masks)
    train_autoencoder(model, masks, 300, variants=False)
    after = reconstruction_ious(model, masks)
    assert before.mean() < 0.6
    assert after.min() > 0.95
