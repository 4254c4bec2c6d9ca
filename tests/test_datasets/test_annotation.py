import numpy as np
import pytest
from planted_faults import rle

from oaformer.datasets import parse_amodal_annotation
from oaformer.datasets.annotation import parse_annotation, to_annotation
from oaformer.datasets.findings import CORRECTED, ERROR
from oaformer.structures import encode_masks, rle_area

HEIGHT, WIDTH = 10, 12


def mask(*box):
    return rle((HEIGHT, WIDTH), box)


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


WHOLE, LEFT_HALF, EMPTY = mask(2, 2, 6, 10), mask(2, 2, 6, 6), mask(0, 0, 0, 0)


@pytest.mark.parametrize(
    ('changes', 'visible', 'rate'),
    [
        (dict(), LEFT_HALF, 0.5),
        # from the invisible mask
        (dict(visible_mask=None), LEFT_HALF, 0.5),
        (dict(visible_mask=WHOLE, occlude_rate=0), WHOLE, 0),
        (dict(visible_mask=EMPTY, occlude_rate=1), EMPTY, 1),
        (dict(visible_mask=None, invisible_mask=None, occlude_rate=None), WHOLE, 0),
    ],
)
def test_masks_and_rate(changes, visible, rate):
    parsed = parse(**changes)
    assert (parsed.amodal, parsed.visible) == (WHOLE, visible)
    assert (parsed.visible is parsed.amodal) == (rate == 0)
    assert parsed.occlusion_rate == rate
    assert parsed.bbox == [2, 2, 10, 6]
    assert parsed.corrections == []


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


def test_visible_mask_is_cut_to_the_amodal_one():
    parsed = parse(visible_mask=mask(0, 2, 6, 6))
    assert parsed.visible == mask(2, 2, 6, 6)
    assert parsed.corrections == ['visible mask cut to the amodal mask']


@pytest.mark.parametrize(
    'bbox',
    [None, [], [2, 2, 0, 4], [2, float('nan'), 8, 4], [0.2, 0.2, 0.7, 0.4]],
)
def test_box_from_the_mask(bbox):
    assert parse(bbox=bbox).bbox == [2, 2, 10, 6]


@pytest.mark.parametrize(
    ('annotated', 'area', 'corrected'),
    [
        (None, 32, False),
        (32.5, 32.5, False),
        (34, 32, True),
        (0, 32, True),
        (float('nan'), 32, True),
        (float('inf'), 32, True),
    ],
)
def test_area_is_the_masks_where_they_disagree(annotated, area, corrected):
    parsed = parse(area=annotated)
    assert parsed.area == area
    words = ['area recomputed from the amodal mask']
    assert parsed.corrections == (words if corrected else [])


@pytest.mark.parametrize('key', ['iscrowd', 'ignore'])
@pytest.mark.parametrize(
    ('value', 'flag'),
    [(None, False), (0, False), (False, False), (1, True), (True, True)],
)
def test_flags(key, value, flag):
    assert getattr(parse(**{key: value}), key) is flag


def test_all_findings_are_collected():
    entry = annotation(iscrowd='0', area='32', bbox=[1, 2], segmentation='x')
    parsed, findings = parse_annotation(entry, HEIGHT, WIDTH)
    assert parsed is None
    keys = ['segmentation', 'iscrowd', 'area', 'bbox']
    assert [each.key for each in findings] == keys
    assert {each.severity for each in findings} == {ERROR}
    parsed, findings = parse_annotation(
        annotation(area=99, occlude_rate=0.1), HEIGHT, WIDTH
    )
    assert [each.kind for each in findings] == ['occlusion_rate', 'area']
    assert {each.severity for each in findings} == {CORRECTED}
    assert len(parsed.corrections) == 2


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        (dict(segmentation=None), '"segmentation" is missing'),
        (dict(segmentation=[]), '"segmentation": the polygon list is empty'),
        (dict(segmentation=mask(0, 0, 0, 0)), 'no pixel'),
        (dict(visible_mask={'size': [3, 3], 'counts': [9]}), '"visible_mask".*3 x 3'),
        (dict(segmentation={'size': [10, 12], 'counts': '0'}), 'corrupt'),
        (dict(area='400'), '"area" is \'400\', not a number'),
    ],
)
def test_errors_name_the_key(changes, words):
    with pytest.raises(ValueError, match=words):
        parse(**changes)


IDS = dict(id=1, image_id=2, category_id=3)


def test_written_annotations_by_hand():
    whole, part = mask(2, 2, 6, 10), mask(2, 2, 6, 4)
    written = to_annotation(whole, part, **IDS, occl_depth=4, iscrowd=1)
    assert written == dict(
        **IDS,
        iscrowd=1,
        bbox=[2, 2, 8, 4],
        area=32,
        segmentation=whole,
        visible_mask=part,
        occlude_rate=0.75,
        occl_depth=4,
        invisible_mask=mask(2, 4, 6, 10),
    )
    assert 'invisible_mask' not in to_annotation(whole, whole, **IDS)
    unknown = to_annotation(whole, **IDS)
    assert unknown.keys().isdisjoint({'visible_mask', 'invisible_mask'})
    assert unknown['occlude_rate'] == 0


def test_what_is_written_is_read_without_a_correction():
    rng = np.random.default_rng(0)
    for share in (0, 0.3, 0.7, 1):
        amodal = (rng.random((1, HEIGHT, WIDTH)) < 0.5).astype(np.uint8)
        visible = amodal & (rng.random(amodal.shape) < share)
        masks = encode_masks(amodal)[0], encode_masks(visible)[0]
        parsed, findings = parse_annotation(to_annotation(*masks, **IDS), HEIGHT, WIDTH)
        assert findings == []
        assert (parsed.amodal, parsed.visible) == masks
        assert parsed.occlusion_rate == 1 - visible.sum() / amodal.sum()


@pytest.mark.parametrize('rate', [0, 0.4, 1])
def test_a_rate_is_kept_where_no_mask_contradicts_it(rate):
    annotation = dict(segmentation=mask(2, 2, 6, 10), occlude_rate=rate)
    parsed = parse_amodal_annotation(annotation, HEIGHT, WIDTH)
    assert parsed.occlusion_rate == rate and parsed.corrections == []
    assert parsed.visible is parsed.amodal
    assert parsed.is_occluded == parsed.has_rate_only == (rate > 0)


def test_masks_that_say_what_is_hidden():
    assert parse().is_occluded and not parse().has_rate_only
    whole = parse(visible_mask=WHOLE, occlude_rate=0.0008)
    assert not whole.is_occluded and not whole.has_rate_only


@pytest.mark.parametrize('empty', [[], [[]], mask(0, 0, 0, 0)])
def test_an_empty_part_means_what_it_says(empty):
    def parse(**part):
        entry = dict(segmentation=mask(2, 2, 6, 10), **part)
        return parse_amodal_annotation(entry, HEIGHT, WIDTH)

    hidden = parse(visible_mask=empty)
    assert hidden.occlusion_rate == 1 and rle_area(hidden.visible) == 0
    whole = parse(invisible_mask=empty)
    assert whole.occlusion_rate == 0 and whole.visible is whole.amodal
