import numpy as np
import pytest

from oaformer.datasets import parse_amodal_annotation
from oaformer.structures import decode_masks, encode_masks

HEIGHT, WIDTH = 10, 12


def mask(y1, x1, y2, x2):
    bitmap = np.zeros((1, HEIGHT, WIDTH), dtype=np.uint8)
    bitmap[0, y1:y2, x1:x2] = 1
    return encode_masks(bitmap)[0]


def annotation(**changes):
    """An object of 4 x 8 pixels, its right half hidden."""
    entry = dict(
        id=7,
        segmentation=mask(2, 2, 6, 10),
        visible_mask=mask(2, 2, 6, 6),
        invisible_mask=mask(2, 6, 6, 10),
        occlude_rate=0.5,
        bbox=[2, 2, 8, 4],
        area=32,
        iscrowd=False,
    )
    entry.update(changes)
    return {key: value for key, value in entry.items() if value is not None}


def parse(**changes):
    return parse_amodal_annotation(annotation(**changes), HEIGHT, WIDTH)


def test_everything_given():
    parsed = parse()
    assert parsed.amodal == mask(2, 2, 6, 10)
    assert parsed.visible == mask(2, 2, 6, 6)
    assert parsed.occlusion_rate == 0.5
    assert parsed.bbox == [2, 2, 10, 6]
    assert parsed.corrections == []


def test_no_visible_mask_means_unoccluded():
    parsed = parse(visible_mask=None, invisible_mask=None, occlude_rate=None)
    assert parsed.visible is parsed.amodal
    assert parsed.occlusion_rate == 0
    assert parsed.corrections == []


def test_visible_mask_from_the_invisible_one():
    parsed = parse(visible_mask=None)
    assert parsed.visible == mask(2, 2, 6, 6)
    assert parsed.occlusion_rate == 0.5


def test_visible_mask_equal_to_the_amodal_one_is_shared():
    parsed = parse(visible_mask=mask(2, 2, 6, 10), occlude_rate=0)
    assert parsed.visible is parsed.amodal


@pytest.mark.parametrize(
    ('annotated', 'rate', 'corrected'),
    [
        (None, 0.5, False),
        (0.5008, 0.5008, False),
        (0.502, 0.5, True),
        (0, 0.5, True),
        (-0.0, 0.5, True),
        (float('nan'), 0.5, True),
    ],
)
def test_masks_outweigh_a_rate_that_disagrees(annotated, rate, corrected):
    parsed = parse(occlude_rate=annotated)
    assert parsed.occlusion_rate == rate
    assert bool(parsed.corrections) == corrected


def test_fully_hidden_object_stays():
    parsed = parse(visible_mask=mask(0, 0, 0, 0), occlude_rate=1)
    assert parsed.occlusion_rate == 1
    assert decode_masks([parsed.visible]).sum() == 0


def test_visible_mask_is_cut_to_the_amodal_one():
    parsed = parse(visible_mask=mask(0, 2, 6, 6))
    assert parsed.visible == mask(2, 2, 6, 6)
    assert parsed.corrections == ['visible mask cut to the amodal mask']


def test_rate_outside_0_to_1_gives_way_however_close():
    whole = parse(visible_mask=None, invisible_mask=None, occlude_rate=-0.0005)
    assert whole.occlusion_rate == 0
    hidden = parse(visible_mask=mask(0, 0, 0, 0), occlude_rate=1.0005)
    assert hidden.occlusion_rate == 1
    for parsed in (whole, hidden):
        assert parsed.corrections == ['occlusion rate recomputed from the masks']


@pytest.mark.parametrize('bbox', [None, [2, 2, 0, 4], [2, float('nan'), 8, 4]])
def test_box_from_the_mask(bbox):
    assert parse(bbox=bbox).bbox == [2, 2, 10, 6]


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        (dict(segmentation=None), '"segmentation" is missing'),
        (dict(segmentation=[]), '"segmentation": the polygon list is empty'),
        (dict(segmentation=mask(0, 0, 0, 0)), 'no pixel'),
        (dict(visible_mask={'size': [3, 3], 'counts': [9]}), '"visible_mask".*3 x 3'),
        (dict(segmentation={'size': [10, 12], 'counts': '0'}), 'corrupt'),
    ],
)
def test_unusable_masks_are_named(changes, words):
    with pytest.raises(ValueError, match=words):
        parse(**changes)
