import json
from collections import defaultdict

import numpy as np
import pytest

from oaformer.evaluation import load_ground_truth
from oaformer.evaluation.occlusion_order import (
    lead_by_rates,
    lead_by_visible_masks,
    occlusion_order,
)
from oaformer.structures import encode_masks

WIDTH = 40


def span(*pieces):
    """RLE of an image of one row, inside from ``start`` to ``end`` - 1 of each."""
    mask = np.zeros((1, 1, WIDTH), dtype=bool)
    for start, end in pieces:
        mask[..., start:end] = True
    return encode_masks(mask)[0]


LEFT, RIGHT = span((0, 30)), span((10, 40))


def painted_scene(seed, number=12, size=60):
    """Rectangles laid on each other, the first in front: amodal and visible masks."""
    rng = np.random.default_rng(seed)
    amodal = np.zeros((number, size, size), dtype=bool)
    for mask in amodal:
        top, left = rng.integers(0, size - 10, 2)
        height, width = rng.integers(8, size // 2, 2)
        mask[top : top + height, left : left + width] = True
    covered = np.cumsum(amodal, axis=0) - amodal > 0
    return encode_masks(amodal), encode_masks(amodal & ~covered)


@pytest.mark.parametrize(
    'visible, expected',
    [
        ([LEFT, span((30, 40))], [[0, 1]]),
        ([span((0, 10)), RIGHT], [[1, 0]]),
        # 15 of the 20 pixels against 5
        ([span((0, 25)), span((25, 40))], [[0, 1]]),
        # 14 against 6, less than ten more
        ([span((0, 24)), span((24, 40))], []),
        # Both claim all of it
        ([LEFT, RIGHT], []),
        # Neither is seen there
        ([span((0, 10)), span((30, 40))], []),
        # One is not seen at all
        ([span(), RIGHT], [[1, 0]]),
        ([span(), span()], []),
    ],
)
def test_who_covers_more_of_the_overlap_is_in_front(visible, expected):
    assert occlusion_order([LEFT, RIGHT], visible).tolist() == expected


def test_three_objects_by_hand():
    # The last one lies on all of the overlap of the others.
    amodal = [LEFT, RIGHT, span((10, 30))]
    visible = [span((0, 10)), span((30, 40)), span((10, 30))]
    assert occlusion_order(amodal, visible).tolist() == [[2, 0], [2, 1]]


def test_smallest_lead():
    amodal = [span((0, 12)), span((9, 40))]
    visible = [span((0, 12)), span((12, 40))]
    assert occlusion_order(amodal, visible).tolist() == []
    assert occlusion_order(amodal, visible, min_pixels=3).tolist() == [[0, 1]]
    assert occlusion_order(amodal, visible, min_pixels=4).tolist() == []


@pytest.mark.parametrize(
    'amodal', [[], [LEFT], [span(), LEFT], [span(), span()], [span((0, 9)), RIGHT]]
)
def test_without_an_overlap_there_is_no_pair(amodal):
    assert occlusion_order(amodal, amodal).shape == (0, 2)
    assert occlusion_order(amodal, amodal).dtype == np.int64


@pytest.mark.parametrize('seed', range(3))
def test_the_order_of_a_painted_scene(seed):
    amodal, visible = painted_scene(seed)
    order = occlusion_order(amodal, visible, min_pixels=1)
    assert len(order) > 10
    assert (order[:, 0] < order[:, 1]).all()


@pytest.mark.parametrize('seed', range(3))
def test_the_order_of_the_objects_does_not_matter(seed):
    amodal, visible = painted_scene(seed)
    shuffled = np.random.default_rng(seed).permutation(len(amodal))
    order = occlusion_order(
        [amodal[index] for index in shuffled], [visible[index] for index in shuffled]
    )
    expected = occlusion_order(amodal, visible)
    assert {*map(tuple, shuffled[order].tolist())} == {*map(tuple, expected.tolist())}


def test_leads_by_hand():
    pairs = np.array([[0, 1], [1, 0], [0, 0]])
    visible = [span((0, 25)), span((25, 40))]
    leads = lead_by_visible_masks(pairs, [LEFT, RIGHT], visible)
    # Of the 20 pixels in both, 15 are covered by the one and 5 by the other.
    assert leads.tolist() == [10, -10, 0]
    assert lead_by_rates(pairs, [0.25, 0.75]).tolist() == [0.5, -0.5, 0]
    assert lead_by_visible_masks(pairs[:0], [], []).shape == (0,)
    assert lead_by_rates(pairs[:0], []).shape == (0,)


@pytest.mark.parametrize('seed', range(3))
def test_leads_of_a_perfect_prediction(seed):
    amodal, visible = painted_scene(seed)
    order = occlusion_order(amodal, visible)
    assert (lead_by_visible_masks(order, amodal, visible) > 0).all()
    # A model that takes everything for visible decides nothing.
    assert (lead_by_visible_masks(order, amodal, amodal) == 0).all()


def test_the_derived_order_is_the_annotated_one(sample_file):
    depths = {
        item['id']: item['occl_depth']
        for item in json.loads(sample_file.read_text())['annotations']
    }
    objects = defaultdict(list)
    for item in load_ground_truth(str(sample_file)).annotations:
        objects[item['image_id']].append(item)
    leads = np.concatenate(
        [
            lead_by_rates(
                occlusion_order(
                    [item['segmentation'] for item in items],
                    [item['visible_mask'] for item in items],
                ),
                [depths[item['annotation_id']] for item in items],
            )
            for items in objects.values()
        ]
    )
    assert len(leads) == (49 if sample_file.name == 'cocoa.json' else 3)
    assert (leads > 0).all()
