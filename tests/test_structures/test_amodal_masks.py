import numpy as np
import pytest
import torch
from mmdet.structures.mask import BitmapMasks

from oaformer.structures import AmodalMasks, encode_masks, mask_stack

HEIGHT, WIDTH = 31, 43


def random_pair(seed, count=5, height=HEIGHT, width=WIDTH):
    """Amodal masks and visible masks inside them."""
    rng = np.random.default_rng(seed)
    amodal = np.zeros((count, height, width), dtype=np.uint8)
    for mask in amodal:
        y1, x1 = rng.integers(0, height - 8), rng.integers(0, width - 8)
        mask[y1 : y1 + rng.integers(4, 20), x1 : x1 + rng.integers(4, 20)] = 1
    visible = amodal * (rng.random(amodal.shape) < rng.random((count, 1, 1)))
    return amodal, visible.astype(np.uint8)


def carriers(seed, **kwargs):
    """The same carrier from bitmaps and from RLEs, with plain masks to compare."""
    amodal, visible = random_pair(seed, **kwargs)
    size = amodal.shape[1:]
    rates = np.linspace(0, 1, len(amodal), dtype=np.float32)
    eager = AmodalMasks(amodal, *size, visible=visible, occlusion_rates=rates)
    lazy = AmodalMasks(
        encode_masks(amodal),
        *size,
        visible=encode_masks(visible),
        occlusion_rates=rates,
    )
    return eager, lazy, BitmapMasks(amodal, *size), BitmapMasks(visible, *size)


def box(*corners):
    return np.array(corners)


TRANSFORMS = {
    'rescale': lambda m: m.rescale((57, 90)),
    'rescale factor': lambda m: m.rescale(0.37),
    'resize up': lambda m: m.resize((67, 101)),
    'resize down': lambda m: m.resize((13, 17)),
    'resize double': lambda m: m.resize((2 * m.height, 2 * m.width)),
    'resize half': lambda m: m.resize((m.height // 2, m.width // 2)),
    'resize bilinear': lambda m: m.resize((40, 50), 'bilinear'),
    'flip h': lambda m: m.flip('horizontal'),
    'flip v': lambda m: m.flip('vertical'),
    'flip d': lambda m: m.flip('diagonal'),
    'pad': lambda m: m.pad((m.height + 5, m.width + 9)),
    'crop': lambda m: m.crop(box(3, 5, 27, 20)),
    'crop over the edge': lambda m: m.crop(box(-4, 10, m.width + 8, m.height + 2)),
    'crop to one pixel': lambda m: m.crop(box(4, 4, 4, 4)),
    'expand': lambda m: m.expand(m.height + 10, m.width + 12, 3, 7),
    'translate': lambda m: m.translate((m.height, m.width), 6, 'horizontal'),
    'shear': lambda m: m.shear((m.height, m.width), 0.3),
    'rotate': lambda m: m.rotate((m.height, m.width), 25),
    'index list': lambda m: m[[2, 0]],
    'index bool': lambda m: m[np.array([True, False, True, True, False])],
    'index int': lambda m: m[3],
    'index slice': lambda m: m[1:4],
    'index none': lambda m: m[np.zeros(0, dtype=int)],
}


def assert_same(carrier, amodal, visible):
    assert isinstance(carrier, AmodalMasks)
    assert (carrier.height, carrier.width) == (amodal.height, amodal.width)
    assert carrier.masks.dtype == np.uint8
    np.testing.assert_array_equal(carrier.masks, amodal.masks)
    np.testing.assert_array_equal(carrier.visible, visible.masks)
    assert (carrier.visible <= carrier.masks).all()


@pytest.mark.parametrize('name', TRANSFORMS)
@pytest.mark.parametrize('kind', ['bitmaps', 'rles'])
def test_each_transform_equals_mmdet_on_both_masks(name, kind):
    eager, lazy, amodal, visible = carriers(0)
    transform = TRANSFORMS[name]
    carrier = transform(eager if kind == 'bitmaps' else lazy)
    assert_same(carrier, transform(amodal), transform(visible))


@pytest.mark.parametrize('seed', range(20))
def test_random_chains_equal_mmdet_bit_for_bit(seed):
    rng = np.random.default_rng(seed)
    eager, lazy, amodal, visible = carriers(seed)
    chainable = [
        name for name in TRANSFORMS if 'index' not in name and 'pixel' not in name
    ]
    names = rng.choice(chainable, 5)
    for name in names:
        transform = TRANSFORMS[name]
        eager, lazy = transform(eager), transform(lazy)
        amodal, visible = transform(amodal), transform(visible)
    assert_same(eager, amodal, visible)
    assert_same(lazy, amodal, visible)
    np.testing.assert_array_equal(lazy.areas, amodal.areas)
    np.testing.assert_array_equal(
        lazy.get_bboxes('hbox').tensor, amodal.get_bboxes('hbox').tensor
    )


def test_rates_of_known_masks():
    amodal = np.ones((3, 2, 4), dtype=np.uint8)
    visible = amodal.copy()
    visible[1, :, 2:] = 0
    visible[2] = 0
    masks = AmodalMasks(amodal, 2, 4, visible=visible)
    np.testing.assert_allclose(masks.occlusion_rates, [0, 0.5, 1])
    # the right half keeps the annotated rate, but nothing of object 1 is visible there
    right = masks.crop(box(2, 0, 4, 2))
    np.testing.assert_allclose(right.occlusion_rates, [0, 0.5, 1])
    np.testing.assert_allclose(right.recomputed_occlusion_rates(), [0, 1, 1])
    np.testing.assert_allclose(right.flip()[[2, 1]].occlusion_rates, [1, 0.5])
    # where nothing is left, nothing is hidden
    below = masks.expand(4, 4, 0, 0).crop(box(0, 2, 4, 4))
    assert below.recomputed_occlusion_rates().tolist() == [0, 0, 0]


def test_without_visible_masks_nothing_is_occluded():
    amodal, _ = random_pair(2)
    masks = AmodalMasks(amodal, HEIGHT, WIDTH)
    np.testing.assert_array_equal(masks.visible, amodal)
    np.testing.assert_array_equal(masks.occlusion_rates, np.zeros(5))
    np.testing.assert_array_equal(masks.flip().visible, amodal[:, :, ::-1])


def test_cat_keeps_order():
    _, lazy, amodal, visible = carriers(3)
    # without visible masks of its own
    plain = AmodalMasks(amodal.masks, HEIGHT, WIDTH)
    parts = [lazy[[3]], lazy[:2], lazy.flip()[[4]], plain[[1]]]
    masks = [
        np.concatenate([m.masks[[3, 0, 1]], m.flip().masks[[4]]])
        for m in (amodal, visible)
    ]
    again = AmodalMasks.cat(parts)
    np.testing.assert_array_equal(again.masks, [*masks[0], amodal.masks[1]])
    np.testing.assert_array_equal(again.visible, [*masks[1], amodal.masks[1]])
    np.testing.assert_allclose(again.occlusion_rates, [0.75, 0, 0.25, 1, 0])


def test_empty_carrier_goes_through_everything():
    empty = AmodalMasks([], HEIGHT, WIDTH, visible=[])
    moved = empty.rescale((90, 57)).flip().crop(box(0, 0, 20, 10)).pad((32, 32))
    assert moved.masks.shape == moved.visible.shape == (0, 32, 32)
    assert moved.occlusion_rates.shape == (0,)
    assert moved.to_tensor(torch.uint8, 'cpu').shape == (0, 32, 32)


@pytest.mark.parametrize(
    ('fields', 'words'),
    [
        (dict(visible=np.zeros((4, HEIGHT, WIDTH))), '5 amodal masks, 4 visible'),
        (dict(occlusion_rates=[0.1]), 'occlusion rates of shape'),
        (dict(height=WIDTH, width=HEIGHT), 'in a carrier of'),
    ],
)
def test_fields_that_do_not_belong_together_are_refused(fields, words):
    fields = dict(height=HEIGHT, width=WIDTH) | fields
    with pytest.raises(ValueError, match=words):
        AmodalMasks(random_pair(6)[0], **fields)


@pytest.mark.parametrize(
    ('transform', 'error', 'words'),
    [
        (lambda m: m.pad((3, 3)), ValueError, 'smaller'),
        (lambda m: m.pad((99, 99), pad_val=255), ValueError, 'mask_pad_value'),
        (lambda m: m.flip('up'), ValueError, "unknown flip direction 'up'"),
        (lambda m: m.cat([]), ValueError, 'nothing'),
        (lambda m: m.cat([m, m.pad((50, 50))]), ValueError, 'different sizes'),
        (lambda m: m.cat([m, BitmapMasks([], 31, 43)]), TypeError, 'visible part'),
    ],
)
def test_what_cannot_be_done_is_refused(transform, error, words):
    with pytest.raises(error, match=words):
        transform(carriers(5)[0])


@pytest.fixture
def calls(monkeypatch):
    """Counts of decoded masks and of gathers by index arrays."""
    counts = dict(decoded=0, gathered=0)
    decode, as_slice = mask_stack.decode_columns, mask_stack.as_slice

    def counting_decode(rle, left, right):
        counts['decoded'] += 1
        return decode(rle, left, right)

    def counting_as_slice(indices):
        result = as_slice(indices)
        counts['gathered'] += not isinstance(result, slice)
        return result

    monkeypatch.setattr(mask_stack, 'decode_columns', counting_decode)
    monkeypatch.setattr(mask_stack, 'as_slice', counting_as_slice)
    return counts


def test_pixels_are_built_once_and_only_at_the_size_that_is_used(calls):
    _, lazy, *_ = carriers(7)
    moved = lazy.rescale((500, 500)).crop(box(0, 0, 400, 400)).flip()[[1, 2]]
    assert calls['decoded'] == 0
    first = moved.masks
    assert calls['decoded'] == 2
    assert moved.masks is first
    assert calls['decoded'] == 2


@pytest.mark.parametrize(
    'name', ['pad', 'crop', 'crop over the edge', 'expand', 'flip h', 'index slice']
)
@pytest.mark.parametrize('visible', [False, True])
def test_what_is_built_is_copied_and_not_gathered_again(calls, name, visible):
    _, lazy, *plain = carriers(8)
    transform = TRANSFORMS[name]
    scaled = lazy.rescale((67, 101))
    scaled.build(visible=visible)
    assert calls['decoded'] == (10 if visible else 5)
    calls.update(decoded=0, gathered=0)
    moved = transform(scaled)
    moved.build(visible=visible)
    assert calls == dict(decoded=0, gathered=0)
    amodal, unoccluded = (transform(masks.rescale((67, 101))) for masks in plain)
    assert_same(moved, amodal, unoccluded)


def test_padding_to_the_size_copies_nothing():
    eager, *_ = carriers(8)
    same = eager.pad((HEIGHT, WIDTH)).crop(box(0, 0, WIDTH, HEIGHT))
    assert np.shares_memory(same.masks, eager.masks)
    assert np.shares_memory(same.visible, eager.visible)


@pytest.mark.parametrize('run', [[3], [0, 1], [2, 3, 4], [4, 3, 2], [2, 1, 0]])
@pytest.mark.parametrize('other', [[], [0, 0], [0, 2], [1, 2, 2], [1, 2, 1]])
def test_a_slice_reads_what_its_indices_read(run, other):
    found = mask_stack.as_slice(np.array(run))
    assert isinstance(found, slice)
    assert np.arange(5)[found].tolist() == run
    assert mask_stack.as_slice(np.array(other, dtype=int)).tolist() == other


def test_what_a_crop_cuts_away_is_not_decoded(monkeypatch):
    monkeypatch.setattr(mask_stack, 'decode_columns', None)
    amodal = np.zeros((1, 20, 30), dtype=np.uint8)
    amodal[0, 2:8, 3:9] = 1
    masks = AmodalMasks(encode_masks(amodal), 20, 30)
    assert masks.crop(box(10, 0, 30, 20)).masks.sum() == 0
    assert masks.crop(box(0, 9, 30, 20)).masks.sum() == 0
