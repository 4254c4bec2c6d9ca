import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from roi_cases import instances, random_objects, rois, two_stage, two_stage_samples
from tiny_models import images

from oaformer.models.roi_heads.layering import layering_features

CHANNELS, SIDE = 128, 128


@pytest.fixture
def head():
    return two_stage('sln').roi_head.eval()


@pytest.fixture
def x():
    """Levels of two images."""
    generator = torch.Generator().manual_seed(1)
    return [
        torch.randn(2, CHANNELS, SIDE // stride, SIDE // stride, generator=generator)
        for stride in (4, 8, 16, 32, 64)
    ]


def boxes_of(number, seed=0):
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 80, (number, 2))
    return torch.from_numpy(np.hstack([corners, corners + 40])).float()


def with_image(boxes, index):
    return torch.cat([torch.full((len(boxes), 1), float(index)), boxes], dim=1)


@torch.no_grad()
def test_a_roi_of_the_whole_image_is_the_map(head, x):
    """RoIs of 16 x 16 cells, and so are the maps."""
    whole = torch.tensor([[0.0, 0, SIDE, SIDE]])
    for index in range(2):
        results = head._mask_forward(x, with_image(whole, index))
        expected = layering_features(results['layering'])[index]
        assert torch.equal(results['mask_feats'][0, CHANNELS:], expected)
        assert results['mask_feats'].shape == (1, CHANNELS + 5, 16, 16)
        assert results['mask_preds'].shape == (1, 3, 32, 32)
    assert not torch.equal(*layering_features(results['layering']))


@torch.no_grad()
def test_two_images_are_each_alone(head, x):
    boxes = [boxes_of(3), boxes_of(4, seed=1)]
    both = head._mask_forward(
        x, torch.cat([with_image(part, i) for i, part in enumerate(boxes)])
    )['mask_preds']
    alone = [
        head._mask_forward([level[i : i + 1] for level in x], with_image(part, 0))[
            'mask_preds'
        ]
        for i, part in enumerate(boxes)
    ]
    torch.testing.assert_close(both, torch.cat(alone), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_features_in_testing_are_those_in_training(head, x):
    """The released code takes other coordinates in testing, so features vanish."""
    seen = []
    head.mask_head.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    boxes = [boxes_of(3), boxes_of(4, seed=1)]
    rng = np.random.default_rng(0)
    truth = [instances(random_objects(rng, 2, (SIDE, SIDE))) for _ in boxes]
    sampled = [rois(part, [0] * len(part), [0] * len(part)) for part in boxes]
    losses = head.mask_loss(x, sampled, None, truth)['loss_mask']
    assert losses['loss_layering'] > 0
    found = [
        InstanceData(
            bboxes=part,
            scores=torch.ones(len(part)),
            labels=torch.zeros(len(part), dtype=torch.long),
        )
        for part in boxes
    ]
    meta = dict(ori_shape=(64, 64), scale_factor=(2.0, 2.0))
    results = head.predict_mask(x, [meta] * 2, found, rescale=True)
    assert torch.equal(*seen)
    assert seen[0][:, CHANNELS:].std() > 0.01
    # the boxes of the original image are half as large
    torch.testing.assert_close(results[0].bboxes, boxes[0] / 2)


def test_without_the_layering_head():
    model = two_stage(
        'sln', roi_head=dict(layering_head=None, mask_head=dict(in_channels=CHANNELS))
    )
    assert not any('layering' in name for name in model.state_dict())
    losses = model.loss(images(), two_stage_samples())
    assert 'loss_layering' not in losses and losses['loss_mask_visible'] > 0
    with torch.no_grad():
        for sample in model.eval().predict(images(), two_stage_samples()):
            assert len(sample.pred_instances.visible_masks) > 0


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            dict(mask_head=dict(in_channels=CHANNELS)),
            'in_channels is 128: set it to 133, .* and 5 of',
        ),
        (
            dict(layering_head=None),
            'in_channels is 133: set it to 128, .* and 0 of layering_head',
        ),
    ],
)
def test_channels_that_do_not_fit_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        two_stage('sln', roi_head=changes)
