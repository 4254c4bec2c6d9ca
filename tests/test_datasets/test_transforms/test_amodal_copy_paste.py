import copy

import numpy as np
import pytest
import torch
from compositing_cases import one_hot_image, random_shape, write_data_set
from mmdet.registry import DATASETS
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.dataset import worker_init_fn
from mmengine.registry import init_default_scope
from mmengine.runner import set_random_seed
from torch.utils.data import DataLoader

from oaformer.datasets.compositing import EDGES
from oaformer.datasets.transforms import AmodalCopyPaste
from oaformer.structures import AmodalMasks

SIZE = (60, 80)
CHANNELS = 30


def sample(seed, first_channel, number=3, rates=None):
    """Objects over each other; each has a channel of the image, and label."""
    rng = np.random.default_rng(seed)
    image = np.zeros((*SIZE, CHANNELS), np.float32)
    image[..., 0] = 1
    amodal = np.zeros((number, *SIZE), np.uint8)
    visible = amodal.copy()
    for index in range(number):
        mask = random_shape(rng, *SIZE)
        pixels = one_hot_image(first_channel + index, mask, CHANNELS)
        image[mask > 0] = pixels[mask > 0]
        visible[:index] &= 1 - mask
        amodal[index] = visible[index] = mask
    masks = AmodalMasks(amodal, *SIZE, visible=visible, occlusion_rates=rates)
    return dict(
        img=image,
        img_path=f'{seed}.png',
        img_shape=SIZE,
        gt_masks=masks,
        gt_bboxes=masks.get_bboxes(),
        gt_bboxes_labels=np.arange(first_channel, first_channel + number),
        gt_ignore_flags=np.zeros(number, bool),
    )


def pasted(seed, transform=None, before=None, other=None):
    results = copy.deepcopy(before or sample(seed, 2))
    results['mix_results'] = [copy.deepcopy(other or sample(seed + 1000, 12))]
    np.random.seed(seed)
    return (transform or AmodalCopyPaste())(results)


@pytest.mark.parametrize('edges', [('rim',), ('rim', 'gaussian')])
@pytest.mark.parametrize('seed', range(25))
def test_labels_and_pixels_agree_and_fields_stay_together(seed, edges):
    before = sample(seed, 2)
    results = pasted(seed, AmodalCopyPaste(min_area=0, edges=edges), before)
    masks, labels = results['gt_masks'], results['gt_bboxes_labels']
    assert isinstance(masks, AmodalMasks)
    assert len(masks) == len(labels) == len(results['gt_bboxes'])
    assert len(masks) == len(results['gt_ignore_flags']) == len(masks.occlusion_rates)
    assert (masks.visible <= masks.masks).all()
    owner = np.zeros(SIZE, int)
    assert masks.visible.sum(0).max() == 1
    for visible, label in zip(masks.visible, labels, strict=True):
        owner[visible > 0] = label
    np.testing.assert_array_equal(results['img'].argmax(-1), owner)
    np.testing.assert_allclose(
        masks.occlusion_rates, masks.recomputed_occlusion_rates(), atol=1e-6
    )
    torch.testing.assert_close(results['gt_bboxes'].tensor, masks.get_bboxes().tensor)
    # amodal masks beneath stay, and so do their boxes and order
    np.testing.assert_array_equal(masks.masks[:3], before['gt_masks'].masks)
    assert labels[:3].tolist() == [2, 3, 4]
    rates = before['gt_masks'].occlusion_rates
    assert (masks.occlusion_rates[:3] >= rates - 1e-6).all()
    limits = np.maximum(np.append(rates, np.zeros(len(masks) - 3)), 0.8)
    assert (masks.occlusion_rates <= limits + 1e-6).all()
    assert results['gt_ignore_flags'].dtype == bool
    assert labels.dtype == before['gt_bboxes_labels'].dtype


def test_only_whole_objects_are_pasted_and_some_are():
    counts = []
    for seed in range(25):
        other = sample(seed + 1000, 12)
        other['gt_ignore_flags'][1] = True
        labels = pasted(seed, other=other)['gt_bboxes_labels'][3:]
        rates = other['gt_masks'].occlusion_rates
        assert all(label != 13 and rates[label - 12] == 0 for label in labels)
        counts.append(len(labels))
    assert sum(counts) > 20


@pytest.mark.parametrize(
    ('mask', 'rates'),
    [
        # cut to its visible part by a crop, the object is still not whole
        (None, [0.3]),
        # an object at the border is cut by it
        (np.ones((1, *SIZE), np.uint8), None),
    ],
)
def test_objects_that_are_not_whole_are_not_pasted(mask, rates):
    other = sample(1000, 12, number=1, rates=rates)
    if mask is not None:
        other['gt_masks'] = AmodalMasks(mask, *SIZE)
    assert len(pasted(0, other=other)['gt_masks']) == 3


def pasted_on_a_square(seeds, rates=None, **settings):
    """The carriers after one object was pasted on a square of 400 pixels."""
    transform = AmodalCopyPaste(max_num_pasted=1, **settings)
    square = np.zeros((1, *SIZE), np.uint8)
    square[0, 20:40, 30:50] = 1
    for seed in range(seeds):
        before = sample(0, 2, number=1)
        before['gt_masks'] = AmodalMasks(
            square, *SIZE, visible=square, occlusion_rates=rates
        )
        other = sample(seed + 1000, 12, number=1)
        yield pasted(seed, transform, before, other)['gt_masks']


def test_the_wanted_rate_is_met():
    carriers = pasted_on_a_square(15, occlusion_range=(0.2, 0.3))
    rates = [masks.occlusion_rates[0] for masks in carriers if len(masks) > 1]
    assert sum(0.18 <= rate <= 0.32 for rate in rates) >= 8
    # an object that cannot be hidden so far is not hidden at all
    assert all(rate == 0 or 0.18 <= rate <= 0.32 for rate in rates)


def test_nothing_is_hidden_further_than_allowed():
    limits = dict(occlusion_range=(0.3, 0.3), max_occlusion_rate=0.3)
    rates = [m.occlusion_rates[0] for m in pasted_on_a_square(15, **limits)]
    assert max(rates) <= 0.3 + 1e-6
    assert sum(rate >= 0.28 for rate in rates) >= 5


def test_the_rate_of_a_cropped_object():
    # Half of the object was hidden, and a crop has kept nothing but visible pixels.
    changed = 0
    for masks in pasted_on_a_square(10, rates=[0.5], occlusion_range=(0.6, 0.7)):
        kept = masks.visible[0].sum() / 400
        np.testing.assert_allclose(masks.occlusion_rates[0], 1 - 0.5 * kept, atol=1e-6)
        changed += kept < 1
    assert changed


def test_no_objects_on_either_side():
    assert len(pasted(0, other=sample(1000, 12, number=0))['gt_masks']) == 3
    results = pasted(0, before=sample(0, 2, number=0))
    assert len(results['gt_masks']) == len(results['gt_bboxes']) > 0


def test_settings():
    never = AmodalCopyPaste(prob=0)
    assert all(len(pasted(seed, never)['gt_masks']) == 3 for seed in range(5))
    one = AmodalCopyPaste(max_num_pasted=1)
    assert {len(pasted(seed, one)['gt_masks']) for seed in range(5)} == {4}
    large = AmodalCopyPaste(min_area=0.9)
    assert all(len(pasted(seed, large)['gt_masks']) == 3 for seed in range(5))
    assert repr(large) == (
        'AmodalCopyPaste(prob=1.0, max_num_pasted=4, '
        'occlusion_range=(0.1, 0.7), max_occlusion_rate=0.8, min_area=0.9, '
        "edges=('rim',))"
    )


@pytest.mark.parametrize(
    'setting',
    [
        dict(occlusion_range=(0.5, 0.2)),
        dict(occlusion_range=(0, 0.2)),
        dict(occlusion_range=(0.1, 0.9)),
        dict(max_occlusion_rate=1.5),
        dict(max_num_pasted=0),
        dict(prob=1.5),
        dict(edges=()),
        dict(edges=('rim', 'soft')),
        dict(edges='poisson'),
    ],
)
def test_settings_out_of_range(setting):
    with pytest.raises(ValueError, match='must'):
        AmodalCopyPaste(**setting)


def test_every_edge_has_the_same_labels_and_one_is_drawn_for_each_object():
    def run(seed, *edges):
        images = [sample(seed, 2), sample(seed + 1000, 12)]
        for image in images:
            colors = np.random.default_rng(seed).integers(0, 256, (CHANNELS, 3))
            image['img'] = colors[image['img'].argmax(-1)].astype(np.uint8)
        # one object, so that what is drawn for it changes no other
        transform = AmodalCopyPaste(max_num_pasted=1, min_area=0, edges=edges)
        results = pasted(seed, transform, *images)
        return results['img'].tobytes(), results['gt_masks']

    drawn = set()
    for seed in range(12):
        each = {edge: run(seed, edge) for edge in EDGES}
        images = {edge: image for edge, (image, _) in each.items()}
        image, masks = run(seed, *EDGES)
        assert image == run(seed, *EDGES)[0]
        assert image in images.values()
        if len(set(images.values())) == 3:  # something thin is never cloned
            drawn |= {edge for edge in EDGES if images[edge] == image}
        for _, other in each.values():
            for name in ('masks', 'visible', 'occlusion_rates'):
                np.testing.assert_array_equal(
                    getattr(masks, name), getattr(other, name)
                )
    assert drawn == set(EDGES)


def test_poisson_names_what_it_needs():
    with pytest.raises(ValueError, match='3 channels in uint8.*out of edges'):
        pasted(0, AmodalCopyPaste(edges=['poisson']))


def test_arguments_are_left_alone():
    before, other = sample(3, 2), sample(1003, 12)
    kept = copy.deepcopy((before, other))
    np.random.seed(3)
    after = AmodalCopyPaste()(dict(before, mix_results=[other]))
    assert len(after['gt_masks']) > 3
    for one, copied in zip((before, other), kept, strict=True):
        np.testing.assert_array_equal(one['img'], copied['img'])
        for name in ('masks', 'visible', 'occlusion_rates'):
            np.testing.assert_array_equal(
                getattr(one['gt_masks'], name), getattr(copied['gt_masks'], name)
            )


def test_what_is_refused():
    with pytest.raises(ValueError, match='MultiImageMixDataset'):
        AmodalCopyPaste()(sample(0, 2))
    plain = sample(0, 2)
    plain['gt_masks'] = BitmapMasks(plain['gt_masks'].masks, *SIZE)
    with pytest.raises(TypeError, match='1000.png: gt_masks is BitmapMasks'):
        AmodalCopyPaste()(
            dict(sample(0, 2), mix_results=[dict(plain, img_path='1000.png')])
        )
    moved = sample(0, 2)
    moved['img'] = moved['img'][:30]
    with pytest.raises(ValueError, match='masks are 60 x 80, the image is 30 x 80'):
        AmodalCopyPaste()(dict(moved, mix_results=[sample(1, 2)]))


@pytest.fixture
def dataset(tmp_path):
    init_default_scope('mmdet')
    write_data_set(tmp_path, occlusion=True, number=4)
    return DATASETS.build(
        dict(
            type='MultiImageMixDataset',
            dataset=dict(
                type='AmodalCocoDataset',
                ann_file=str(tmp_path / 'source.json'),
                data_prefix=dict(img=str(tmp_path)),
                pipeline=[
                    dict(type='LoadImageFromFile'),
                    dict(type='LoadAmodalAnnotations'),
                ],
            ),
            pipeline=[dict(type='AmodalCopyPaste'), dict(type='PackAmodalInputs')],
        )
    )


def test_in_a_data_set(dataset):
    set_random_seed(0)
    packed = dataset[0]
    instances = packed['data_samples'].gt_instances
    assert len(instances) > 3
    assert isinstance(instances.bboxes, HorizontalBoxes)
    assert instances.labels[:3].tolist() == [0, 1, 0]
    np.testing.assert_allclose(
        instances.masks.occlusion_rates, instances.masks.recomputed_occlusion_rates()
    )
    assert packed['inputs'].dtype == torch.uint8


def worker_seed(worker_id):
    worker_init_fn(worker_id, num_workers=2, rank=0, seed=7)


@pytest.mark.parametrize('num_workers', [0, 2])
def test_deterministic_under_mmengines_seed(dataset, num_workers):
    def run(seed):
        set_random_seed(seed)
        loader = DataLoader(
            dataset,
            batch_size=None,
            num_workers=num_workers,
            worker_init_fn=worker_seed if num_workers else None,
        )
        return [item['inputs'].numpy().tobytes() for item in loader]

    first = run(3)
    assert first == run(3)
    if num_workers == 0:
        assert first != run(4)


def test_the_config_pastes_before_packing(repo_root):
    parent, cfg = (
        Config.fromfile(repo_root / 'configs' / f'{name}.py')
        for name in ('oaformer_r50_d2sa', 'oaformer/oaformer_r50_d2sa_copy-paste')
    )
    wrapper = cfg.train_dataloader.dataset
    types = [step.type for step in wrapper.pipeline]
    assert types == ['AmodalCopyPaste', 'PackAmodalInputs']
    for part, own in zip(
        wrapper.dataset.datasets, parent.train_dataloader.dataset.datasets, strict=True
    ):
        assert part.pipeline == parent.train_pipeline[:-1]
        assert part.ann_file == own.ann_file
