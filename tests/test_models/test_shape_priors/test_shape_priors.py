import pickle

import pytest
import torch

from oaformer.models.shape_priors import (
    ShapeAutoencoder,
    ShapePriors,
    read_shape_priors,
    shape_priors_content,
)

CLASSES = ['box', 'cup']


class Brightness(torch.nn.Module):
    """One number as a code: how many pixels a mask has, in hundreds."""

    def encode(self, masks):
        return masks.flatten(1).sum(dim=1, keepdim=True) / 100

    def decode(self, codes):
        return codes[..., None].expand(*codes.shape[:-1], 28, 28) / 7.84


def priors_of_numbers(*codes):
    """Priors whose codes are numbers, and the number of codes of each class."""
    priors = ShapePriors(len(codes), num_codes=4)
    priors.autoencoder = Brightness()
    priors.codes = torch.full((len(codes), 4, 1), 5.0)
    for label, each in enumerate(codes):
        priors.codes[label, : len(each), 0] = torch.tensor(each)
        priors.counts[label] = len(each)
    return priors


def masks_of_areas(*areas):
    masks = torch.zeros(len(areas), 784, dtype=torch.bool)
    for mask, area in zip(masks, areas, strict=True):
        mask[:area] = True
    return masks.unflatten(1, (28, 28))


def test_the_nearest_come_first():
    priors = priors_of_numbers([0.0, 1.0, 3.0], [2.0, 4.0], [])
    masks = masks_of_areas(90, 90, 90, 390)
    labels = torch.tensor([0, 1, 2, 1])
    codes = priors.nearest_codes(masks, labels, 3)[..., 0]
    assert codes.tolist() == [
        [1, 0, 3],
        # the farthest repeats; the padding is no code
        [2, 4, 4],
        # without codes, its own
        [pytest.approx(0.9)] * 3,
        [4, 2, 2],
    ]
    shapes = priors.nearest_shapes(masks, labels, 2)
    assert shapes.shape == (4, 2, 28, 28)
    torch.testing.assert_close(shapes[:, :, 5, 5], codes[:, :2] / 7.84)


def test_equals_a_search_among_all():
    torch.manual_seed(0)
    priors = ShapePriors(3, num_codes=20)
    priors.codes.normal_()
    priors.counts[:] = torch.tensor([20, 7, 1])
    masks, labels = torch.rand(50, 28, 28) > 0.5, torch.randint(3, (50,))
    found = priors.nearest_codes(masks, labels, 5)
    for mask, label, codes in zip(masks, labels, found, strict=True):
        own = priors.autoencoder.encode(mask[None])
        known = priors.codes[label][: priors.counts[label]]
        order = (known - own).square().sum(dim=1).argsort()
        order = torch.cat([order, order[-1:].expand(5)])[:5]
        torch.testing.assert_close(codes, known[order])
    assert priors.nearest_codes(masks[:0], labels[:0], 5).shape == (0, 5, 128)


def write(path, number=3, stages=3, classes=CLASSES):
    torch.manual_seed(1)
    model = ShapeAutoencoder(stages)
    codes = [torch.rand(number, model.code_size), torch.rand(1, model.code_size)]
    content = shape_priors_content(model, codes, dict(classes=classes, seed=0))
    torch.save(content, path)
    return model, codes


def test_a_file_and_back(tmp_path):
    path = tmp_path / 'priors.pth'
    model, codes = write(path)
    priors = ShapePriors(2, file=str(path), num_codes=5)
    priors.init_weights()
    assert priors.class_names == ('box', 'cup')
    assert priors.counts.tolist() == [3, 1]
    assert torch.equal(priors.codes[0, :3], codes[0])
    assert torch.equal(priors.codes[1, :1], codes[1])
    assert priors.codes[:, 3:].abs().sum() == 0
    for name, tensor in model.state_dict().items():
        assert torch.equal(priors.autoencoder.state_dict()[name], tensor)
    assert not any(weight.requires_grad for weight in priors.parameters())
    # a checkpoint is enough afterwards
    other = ShapePriors(2, file='elsewhere.pth', num_codes=5)
    other.load_state_dict(priors.state_dict())
    assert torch.equal(other.codes, priors.codes)


@pytest.mark.parametrize(
    ('settings', 'words'),
    [
        (dict(num_classes=3), 'has 2 classes, the model 3'),
        (dict(num_stages=2), 'has 3 stages, the model 2'),
        (dict(num_codes=2), 'has 3 codes per class, the model 2'),
    ],
)
def test_a_file_of_other_settings(tmp_path, settings, words):
    path = tmp_path / 'priors.pth'
    write(path)
    priors = ShapePriors(**{'num_classes': 2, 'file': str(path), **settings})
    with pytest.raises(ValueError, match=words):
        priors.init_weights()


def test_files_that_are_none(tmp_path):
    missing = tmp_path / 'priors.pth'
    with pytest.raises(FileNotFoundError, match='build_shape_priors.py CONFIG --out'):
        read_shape_priors(missing)
    torch.save(dict(state_dict={}), missing)
    with pytest.raises(ValueError, match='holds no shape priors'):
        read_shape_priors(missing)
    missing.write_text('{}')
    with pytest.raises(ValueError, match='can not be read'):
        read_shape_priors(missing)
    # nothing in a file is executed
    missing.write_bytes(pickle.dumps(print))
    with pytest.raises(ValueError, match='can not be read'):
        read_shape_priors(missing)
