import copy

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmdet.registry import MODELS, TRANSFORMS
from mmdet.structures.mask import BitmapMasks

from oaformer.datasets.transforms import (
    LoadAmodalAnnotations,
    OcclusionRate,
    PackAmodalInputs,
)
from oaformer.structures import AmodalMasks, encode_masks, mask_stack

HEIGHT, WIDTH = 60, 90

LARGE_SCALE_JITTER = [
    dict(type='RandomFlip', prob=0.5, direction=['horizontal', 'vertical']),
    dict(
        type='RandomResize',
        scale=(64, 64),
        ratio_range=(0.5, 2.0),
        resize_type='Resize',
        keep_ratio=True,
    ),
    dict(
        type='RandomCrop',
        crop_size=(64, 64),
        recompute_bbox=True,
        allow_negative_crop=True,
    ),
    dict(type='FilterAnnotations', min_gt_bbox_wh=(1e-5, 1e-5), by_mask=True),
]


def sample(seed, count=6):
    """Objects with distinct masks, labels, boxes and rates."""
    rng = np.random.default_rng(seed)
    instances = []
    for index in range(count):
        y, x = rng.integers(0, HEIGHT - 24), rng.integers(0, WIDTH - 24)
        height, width = rng.integers(8, 24, 2)
        amodal = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
        amodal[y : y + height, x : x + width] = 1
        visible = amodal.copy()
        visible[y : y + rng.integers(0, height)] = 0
        instances.append(
            dict(
                bbox=[x, y, x + width, y + height],
                bbox_label=index,
                ignore_flag=0,
                mask=encode_masks(amodal[None])[0],
                visible_mask=encode_masks(visible[None])[0],
                occlusion_rate=index / 10,
                annotation_id=100 + index,
            )
        )
    return dict(
        img=rng.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8),
        img_path=f'{seed}.png',
        img_id=seed,
        img_shape=(HEIGHT, WIDTH),
        ori_shape=(HEIGHT, WIDTH),
        instances=instances,
    )


def pipeline(*steps):
    return Compose([TRANSFORMS.build(step) for step in steps])


def ours(*steps, **packing):
    return pipeline(
        dict(type='LoadAmodalAnnotations'),
        *LARGE_SCALE_JITTER,
        *steps,
        dict(type='PackAmodalInputs', **packing),
    )


@pytest.mark.parametrize('seed', range(30))
def test_every_field_stays_with_its_object(seed):
    np.random.seed(seed)
    packed = ours()(sample(seed))
    if packed is None:  # FilterAnnotations drops what its own filter empties
        return
    instances = packed['data_samples'].gt_instances
    masks = instances.masks
    assert len(instances.labels) == len(masks) == len(instances.bboxes)
    assert (masks.visible <= masks.masks).all()
    assert (masks.masks.sum((1, 2)) > 0).all()
    assert masks.masks.shape[1:] == packed['inputs'].shape[1:]
    # the rate of the whole object, however little of it a crop has left
    np.testing.assert_allclose(masks.occlusion_rates, instances.labels / 10)
    torch.testing.assert_close(instances.bboxes.tensor, masks.get_bboxes('hbox').tensor)


@pytest.mark.parametrize('seed', range(30))
def test_amodal_masks_equal_those_of_the_stock_pipeline(seed):
    stock = pipeline(
        dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
        *LARGE_SCALE_JITTER,
        dict(type='PackDetInputs'),
    )
    np.random.seed(seed)
    expected = stock(sample(seed))
    np.random.seed(seed)
    packed = ours()(sample(seed))
    if expected is None:
        assert packed is None
        return
    torch.testing.assert_close(packed['inputs'], expected['inputs'], rtol=0, atol=0)
    expected, got = expected['data_samples'], packed['data_samples']
    assert got.img_shape == expected.img_shape
    got, expected = got.gt_instances, expected.gt_instances
    assert got.labels.tolist() == expected.labels.tolist()
    torch.testing.assert_close(got.bboxes.tensor, expected.bboxes.tensor)
    np.testing.assert_array_equal(got.masks.masks, expected.masks.masks)


@pytest.mark.parametrize('seed', range(5))
def test_permuting_the_objects_permutes_the_targets(seed):
    recomputed = ours(dict(type='OcclusionRate', mode='recomputed'))
    order = np.random.default_rng(seed).permutation(6)
    shuffled = sample(seed)
    shuffled['instances'] = [shuffled['instances'][index] for index in order]
    np.random.seed(seed)
    first = recomputed(sample(seed))['data_samples'].gt_instances
    np.random.seed(seed)
    second = recomputed(shuffled)['data_samples'].gt_instances
    back = [second.labels.tolist().index(label) for label in first.labels.tolist()]
    np.testing.assert_array_equal(first.masks.masks, second.masks.masks[back])
    np.testing.assert_array_equal(first.masks.visible, second.masks.visible[back])
    np.testing.assert_array_equal(
        first.masks.occlusion_rates, second.masks.occlusion_rates[back]
    )


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('late', [False, True])
def test_recomputed_rates_are_those_of_the_augmented_image(seed, late):
    # a filter afterwards keeps each rate with its object, too
    steps = [dict(type='LoadAmodalAnnotations'), *LARGE_SCALE_JITTER]
    steps.insert(
        len(steps) if late else -1, dict(type='OcclusionRate', mode='recomputed')
    )
    np.random.seed(seed)
    results = pipeline(*steps)(sample(seed))
    masks = results['gt_masks']
    amodal, visible = masks.masks.sum((1, 2)), masks.visible.sum((1, 2))
    np.testing.assert_allclose(masks.occlusion_rates, 1 - visible / amodal, atol=1e-6)
    assert (masks.occlusion_rates != results['gt_bboxes_labels'] / 10).any()


@pytest.mark.parametrize('build_visible', [False, True])
def test_batch_padding_pads_what_the_loader_has_built(monkeypatch, build_visible):
    packed = [ours(build_visible=build_visible)(sample(seed)) for seed in (0, 1)]
    preprocessor = MODELS.build(
        dict(
            type='DetDataPreprocessor',
            pad_mask=True,
            pad_size_divisor=32,
            batch_augments=[
                dict(type='BatchFixedSizePad', size=(96, 128), pad_mask=True)
            ],
        )
    )
    expected = [
        copy.deepcopy(each['data_samples'].gt_instances.masks) for each in packed
    ]
    batch = preprocessor(
        dict(
            inputs=[each['inputs'] for each in packed],
            data_samples=[each['data_samples'] for each in packed],
        ),
        training=True,
    )
    for data_sample, before in zip(batch['data_samples'], expected, strict=True):
        masks = data_sample.gt_instances.masks
        with monkeypatch.context() as patch:
            patch.setattr(mask_stack, 'decode_columns', None)
            assert_padded(masks.masks, before.masks)
            if build_visible:
                assert masks.visible is not None
        assert_padded(masks.visible, before.visible)


def assert_padded(padded, masks):
    assert padded.shape == (len(masks), 96, 128)
    np.testing.assert_array_equal(padded[:, : masks.shape[1], : masks.shape[2]], masks)
    assert padded.sum() == masks.sum()


def test_ignored_instances_go_aside_with_all_their_fields():
    results = sample(0)
    results['instances'][2]['ignore_flag'] = 1
    packed = PackAmodalInputs()(LoadAmodalAnnotations()(results))
    kept = packed['data_samples'].gt_instances
    ignored = packed['data_samples'].ignored_instances
    assert kept.labels.tolist() == [0, 1, 3, 4, 5]
    assert ignored.labels.tolist() == [2]
    np.testing.assert_allclose(ignored.masks.occlusion_rates, [0.2])
    np.testing.assert_allclose(kept.masks.occlusion_rates, [0, 0.1, 0.3, 0.4, 0.5])


def test_images_without_annotation_load():
    results = sample(0)
    del results['instances']
    packed = PackAmodalInputs()(LoadAmodalAnnotations()(results))
    assert len(packed['data_samples'].gt_instances) == 0


def test_plain_masks_are_refused():
    results = sample(0)
    results['gt_masks'] = BitmapMasks([], HEIGHT, WIDTH)
    with pytest.raises(TypeError, match='CopyPaste'):
        OcclusionRate()(results)
    with pytest.raises(TypeError, match='CopyPaste'):
        PackAmodalInputs()(results)


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(ValueError, match=r'0.png is 61 x 90.*annotation 100 is 60 x'):
        LoadAmodalAnnotations()(dict(sample(0), ori_shape=(HEIGHT + 1, WIDTH)))
    results = LoadAmodalAnnotations()(sample(0))
    moved = dict(results, img_shape=(30, 45), ori_shape=(120, 180))
    with pytest.raises(ValueError, match='moved the image and not the masks'):
        PackAmodalInputs()(moved)
    filtered = {key: results[key][:2] for key in ('gt_masks', 'gt_bboxes')}
    with pytest.raises(ValueError, match='0.png: 2 masks but 6 gt_bboxes_labels'):
        PackAmodalInputs()(results | filtered)


def test_masks_of_a_test_image_stay_encoded(monkeypatch):
    monkeypatch.setattr(mask_stack, 'decode_columns', None)
    packed = pipeline(
        dict(type='Resize', scale=(45, 30), keep_ratio=True),
        dict(type='LoadAmodalAnnotations'),
        dict(type='PackAmodalInputs'),
    )(sample(0))
    masks = packed['data_samples'].gt_instances.masks
    assert (masks.height, masks.width) == (HEIGHT, WIDTH)


def test_modes():
    with pytest.raises(ValueError, match="'annotated' or 'recomputed', not 'x'"):
        OcclusionRate(mode='x')
    assert repr(OcclusionRate(mode='recomputed')) == "OcclusionRate(mode='recomputed')"
    amodal = np.ones((1, 4, 4), np.uint8)
    visible = amodal.copy()
    visible[:, :1] = 0
    for mode, rate in (('annotated', 0.75), ('recomputed', 0.25)):
        # a crop has cut two thirds of the hidden part away
        masks = AmodalMasks(amodal, 4, 4, visible=visible, occlusion_rates=[0.75])
        results = OcclusionRate(mode=mode)(dict(gt_masks=masks))
        assert results['gt_masks'].occlusion_rates.tolist() == [rate]
