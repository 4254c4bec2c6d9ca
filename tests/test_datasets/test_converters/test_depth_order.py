import json

import numpy as np
import pytest

from oaformer.datasets.converters.depth_order import (
    Layer,
    LayeredObject,
    unordered_pairs,
    visible_masks,
)
from oaformer.structures import decode_masks, encode_masks, rle_area, to_rle

SIZE = 20, 30


def box(x1, y1, x2, y2):
    mask = np.zeros((1, *SIZE), np.uint8)
    mask[0, y1:y2, x1:x2] = 1
    return encode_masks(mask)[0]


def layered(order, *boxes, visible=None):
    return LayeredObject([Layer(box(*each), order) for each in boxes], visible)


LEFT, RIGHT = (0, 0, 20, 10), (10, 0, 30, 10)


def test_the_nearer_object_hides_and_the_reversed_order_swaps_them():
    for orders, areas in (((1, 2), [100, 200]), ((2, 1), [200, 100])):
        objects = [layered(orders[0], LEFT), layered(orders[1], RIGHT)]
        seen = visible_masks(objects)
        assert [rle_area(mask) for mask in seen] == areas
        assert unordered_pairs(objects) == {}
    # the second one is in front, then the first
    assert visible_masks([layered(1, LEFT), layered(2, RIGHT)]) == [
        box(0, 0, 10, 10),
        box(*RIGHT),
    ]


def test_an_object_may_be_hidden_as_a_whole():
    seen = visible_masks([layered(0, (2, 2, 4, 4)), layered(1, LEFT)])
    assert [rle_area(mask) for mask in seen] == [0, 200]


def test_parts_at_several_depths():
    """A hand in front of a cup and an arm behind it."""
    hand, arm = Layer(box(5, 0, 8, 10), 3), Layer(box(8, 0, 30, 4), 1)
    person = LayeredObject([hand, arm])
    cup = layered(2, (6, 0, 16, 10))
    seen = visible_masks([person, cup])
    assert [rle_area(mask) for mask in seen] == [30 + 14 * 4, 8 * 10]
    assert unordered_pairs([person, cup]) == {}


def test_a_part_of_the_same_object_hides_nothing_of_it():
    (seen,) = visible_masks([layered(0, LEFT, RIGHT)])
    assert seen == box(0, 0, 30, 10)
    assert unordered_pairs([layered(0, LEFT, RIGHT)]) == {}


@pytest.mark.parametrize(
    ('ties', 'areas'), [('later', [50, 300, 100]), ('smaller', [150, 200, 100])]
)
def test_ties(ties, areas):
    # of 200, 300 and 100 pixels; the first overlaps both others
    boxes = LEFT, (10, 0, 30, 15), (0, 5, 10, 15)
    objects = [layered(1, each) for each in boxes]
    assert unordered_pairs(objects) == {(0, 1): 100, (0, 2): 50}
    assert [rle_area(mask) for mask in visible_masks(objects, ties)] == areas


def test_overlaps_at_different_places_and_touching_boxes_are_ordered():
    objects = [layered(1, LEFT), layered(1, (20, 0, 30, 10)), layered(2, RIGHT)]
    assert unordered_pairs(objects) == {}
    assert unordered_pairs([]) == {} and visible_masks([]) == []


def test_pairs_are_listed_though_a_third_object_hides_their_overlap():
    objects = [layered(1, LEFT), layered(1, LEFT), layered(2, LEFT)]
    assert unordered_pairs(objects) == {(0, 1): 200}


def test_a_visible_part_that_is_drawn():
    front, back = layered(1, RIGHT), layered(0, LEFT, visible=box(2, 0, 20, 10))
    seen = visible_masks([front, back])
    # what is drawn holds against the order, and nothing is visible twice
    assert seen == [box(20, 0, 30, 10), box(2, 0, 20, 10)]
    # it is cut to its object
    wide = layered(0, LEFT, visible=box(2, 0, 30, 20))
    assert visible_masks([wide]) == [box(2, 0, 20, 10)]
    # what the order says is behind it stays hidden
    hidden = layered(1, LEFT, visible=box(0, 0, 5, 10))
    assert visible_masks([layered(0, (0, 0, 20, 20)), hidden]) == [
        box(0, 10, 20, 20),
        box(0, 0, 5, 10),
    ]


def test_a_visible_part_orders_objects_of_one_place():
    drawn = layered(1, LEFT, visible=box(0, 0, 15, 10))
    for objects in ([drawn, layered(1, RIGHT)], [layered(1, RIGHT), drawn]):
        assert unordered_pairs(objects) == {}
        areas = sorted(rle_area(mask) for mask in visible_masks(objects))
        assert areas == [150, 150]
    other = layered(1, RIGHT, visible=box(12, 0, 30, 10))
    assert unordered_pairs([drawn, other]) == {(0, 1): 30}
    assert [rle_area(mask) for mask in visible_masks([drawn, other])] == [120, 180]
    apart = layered(1, RIGHT, visible=box(15, 0, 30, 10))
    assert unordered_pairs([drawn, apart]) == {}


def random_scene(rng):
    objects = []
    for _ in range(rng.integers(2, 9)):
        boxes = [
            (x, y, x + int(rng.integers(2, 20)), y + int(rng.integers(2, 15)))
            for x, y in rng.integers(0, (25, 15), (rng.integers(1, 3), 2)).tolist()
        ]
        layers = [Layer(box(*each), int(rng.integers(4))) for each in boxes]
        visible = box(*boxes[0]) if rng.random() < 0.3 else None
        objects.append(LayeredObject(layers, visible))
    return objects


@pytest.mark.parametrize('seed', range(20))
def test_visible_masks_are_disjoint_and_cover_the_union(seed):
    objects = random_scene(np.random.default_rng(seed))
    wholes = decode_masks([each.amodal for each in objects])
    drawn = [each.visible is not None for each in objects]
    for ties in ('later', 'smaller'):
        seen = decode_masks(visible_masks(objects, ties))
        assert (seen <= wholes).all()
        assert seen.sum(axis=0).max() <= 1
        if not any(drawn):
            np.testing.assert_array_equal(seen.any(axis=0), wholes.any(axis=0))


@pytest.mark.parametrize('seed', range(20))
def test_equals_painting_from_back_to_front(seed):
    objects = [
        each._replace(visible=None)
        for each in random_scene(np.random.default_rng(seed))
    ]
    layers = [
        (layer.order, index, layer.mask)
        for index, each in enumerate(objects)
        for layer in each.layers
    ]
    owner = np.full(SIZE, -1)
    for _, index, mask in sorted(layers, key=lambda item: item[:2]):
        owner[decode_masks([mask])[0] > 0] = index
    seen = decode_masks(visible_masks(objects))
    np.testing.assert_array_equal(seen, owner == np.arange(len(objects))[:, None, None])


def test_visible_masks_of_real_images_follow_from_outlines_and_order(sample_data):
    """COCOA's annotators drew whole regions and put them in order; 24 are occluded."""
    path = sample_data / 'cocoa_sample' / 'annotations' / 'COCO_amodal_val2014.json'
    source = json.loads(path.read_text())
    sizes = {each['id']: (each['height'], each['width']) for each in source['images']}
    occluded = 0
    for entry in source['annotations']:
        size, regions = sizes[entry['image_id']], entry['regions']
        objects = [
            LayeredObject([Layer(to_rle(each['segmentation'], *size), -each['order'])])
            for each in regions
        ]
        assert unordered_pairs(objects) == {}
        for each, whole, seen in zip(
            regions, objects, visible_masks(objects), strict=True
        ):
            occluded += 'visible_mask' in each
            annotated = each.get('visible_mask', whole.amodal)
            np.testing.assert_array_equal(
                decode_masks([seen]), decode_masks([annotated])
            )
    assert occluded == 24
