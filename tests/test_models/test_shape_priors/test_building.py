import numpy as np
import pycocotools.mask as mask_util
import pytest
import torch

from oaformer.datasets.annotation import parse_amodal_annotation
from oaformer.models.roi_heads.mask_targets import roi_mask_targets
from oaformer.models.shape_priors import (
    ShapeAutoencoder,
    box_crops,
    class_codes,
    dihedral,
    train_autoencoder,
)


def blobs(number, seed=0):
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(number, 1, 4, 4, generator=generator)
    return torch.nn.functional.interpolate(noise, (28, 28), mode='bicubic')[:, 0] > 0


def test_variants_of_shapes():
    ell, square = torch.zeros(2, 28, 28, dtype=torch.bool)
    ell[2:20, 2:6] = ell[14:20, 2:12] = True
    square[4:24, 4:24] = True
    variants = dihedral(torch.stack([ell, square]))
    assert variants.shape == (8, 2, 28, 28)
    assert torch.equal(variants[0, 0], ell)
    assert len(variants[:, 0].flatten(1).unique(dim=0)) == 8
    assert len(variants[:, 1].flatten(1).unique(dim=0)) == 1


@pytest.mark.parametrize(
    'box', [(10, 5, 40, 25), (10.4, 5.5, 39.7, 25.7), (0, 0, 60, 40), (49, 3, 60, 12)]
)
def test_crops_are_the_targets_of_mask_heads(box):
    rng = np.random.default_rng(0)
    mask = (rng.random((40, 60)) > 0.5).astype(np.uint8)
    rle = mask_util.encode(np.asfortranarray(mask))
    expected = roi_mask_targets(
        torch.from_numpy(mask)[None, None],
        torch.tensor([box]).float(),
        torch.tensor([0]),
        (28, 28),
    )
    crops = box_crops([(rle, box)])
    # of 784 cells, one on the edge of a half may round differently
    assert (crops != expected[:, 0]).sum() <= 2
    assert crops.shape == (1, 28, 28)
    assert 100 < crops.sum() < 684


def test_an_annotated_mask_fills_its_crop():
    mask = np.zeros((40, 60), np.uint8)
    mask[12:30, 20:50] = 1
    mask[12:20, 20:40] = 0
    annotation = dict(
        id=1, segmentation=mask_util.encode(np.asfortranarray(mask)), iscrowd=0
    )
    parsed = parse_amodal_annotation(annotation, 40, 60)
    (crop,) = box_crops([(parsed.amodal, parsed.bbox)])
    for border in (crop[0], crop[-1], crop[:, 0], crop[:, -1]):
        assert border.any()
    # what is missing of the box: 8 / 18 of the rows, 2 / 3 of the columns
    assert crop.float().mean() == pytest.approx(1 - 8 / 18 * 2 / 3, abs=0.02)


def test_no_objects():
    assert box_crops([]).shape == (0, 28, 28)


def test_few_shapes_are_all_kept_once():
    torch.manual_seed(0)
    model, masks = ShapeAutoencoder(), blobs(5)
    codes = class_codes(model, torch.cat([masks, masks]), 100, variants=False)
    expected = model.encode(masks)
    distances = torch.cdist(codes, expected)
    assert codes.shape == (5, 128)
    assert (distances.min(dim=0).values < 1e-5).all()
    assert len(class_codes(model, masks, 100)) == 40


def test_many_shapes_become_centres():
    torch.manual_seed(0)
    model, masks = ShapeAutoencoder(), blobs(300)
    codes = class_codes(model, masks, 32)
    assert 24 < len(codes) <= 32
    own = model.encode(dihedral(masks).flatten(0, 1))
    at_random = own[:: len(own) // 32][:32]

    def error(centres):
        return torch.cdist(own, centres).min(dim=1).values.square().mean().item()

    assert error(codes) < 0.9 * error(at_random)
    assert torch.equal(codes, class_codes(model, masks, 32))
    assert not torch.equal(codes[:8], class_codes(model, masks, 32, seed=1)[:8])


def test_the_same_seed_trains_the_same():
    states = []
    for seed in (0, 0, 1):
        torch.manual_seed(0)
        model = ShapeAutoencoder()
        train_autoencoder(model, blobs(20), 5, seed=seed)
        states.append(model.predictor.weight.detach())
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])
