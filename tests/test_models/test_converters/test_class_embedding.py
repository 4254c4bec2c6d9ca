import pytest
import torch

from oaformer.models.converters import (
    ConversionError,
    checked_class_names,
    coco_classes,
    count_classes,
    matching_classes,
    take_class_rows,
)

WEIGHT, BIAS = 'panoptic_head.cls_embed.weight', 'panoptic_head.cls_embed.bias'


def embedding(first, num_classes):
    rows = torch.arange(num_classes + 1.0) + first
    return {WEIGHT: rows[:, None].repeat(1, 4), BIAS: rows.clone()}


def test_things_come_first_in_both_of_cocos_lists():
    things, panoptic = coco_classes(80), coco_classes(133)
    assert things == panoptic[:80]
    assert things[0] == 'person' and things[-1] == 'toothbrush'
    assert panoptic[80] == 'banner'
    assert coco_classes(81) is None


def test_names_match_regardless_of_case():
    found = matching_classes(('cup', 'Dog', 'cat'), ('dog', 'tree', 'CUP'))
    assert found == {0: 1, 2: 0}
    assert matching_classes(None, ('dog',)) == matching_classes(('dog',), None) == {}


def test_rows_of_matching_classes_and_of_no_object():
    source, model = embedding(0, 3), embedding(100, 4)
    weights = {'other': torch.zeros(1), **source}
    taken = take_class_rows(weights, model, {0: 2, 3: 0})
    assert taken[BIAS].tolist() == [2, 101, 102, 0, 3]
    assert taken[WEIGHT][:, 1].tolist() == [2, 101, 102, 0, 3]
    assert taken['other'] is weights['other']
    # neither argument has changed
    assert weights[BIAS].tolist() == [0, 1, 2, 3]
    assert model[BIAS].tolist() == [100, 101, 102, 103, 104]
    # no object keeps its row; None takes nothing at all
    assert take_class_rows(source, model, {})[BIAS].tolist() == [100, 101, 102, 103, 3]
    assert take_class_rows(source, model, None) == {}


def test_numbers_of_names_and_rows():
    assert count_classes(embedding(0, 3), 'm.pth') == 3
    with pytest.raises(ConversionError, match=f'm.pth has no {BIAS}'):
        count_classes({WEIGHT: torch.zeros(4, 2)}, 'm.pth')
    assert checked_class_names(['a', 'b'], 2, 'm.pth') == ('a', 'b')
    assert checked_class_names(None, 2, 'm.pth') is None
    with pytest.raises(ConversionError, match='m.pth names 2 classes, but .* has 3'):
        checked_class_names(['a', 'b'], 3, 'm.pth')
