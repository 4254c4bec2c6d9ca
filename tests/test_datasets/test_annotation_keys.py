import pytest

from oaformer.datasets.annotation_keys import foreign_keys

MASK = dict(size=[2, 2], counts=[0, 1, 3])


@pytest.mark.parametrize(
    ('key', 'value', 'remedy'),
    [
        ('amodal_segm', MASK, 'rename it to "segmentation"'),
        ('amodalMask', [[0, 0, 2, 0, 2, 2]], 'rename it to "segmentation"'),
        ('full_mask', MASK, 'rename it to "segmentation"'),
        ('visible_segm', MASK, 'rename it to "visible_mask"'),
        ('visibleMask', MASK, 'rename it to "visible_mask"'),
        ('modal-mask', MASK, 'rename it to "visible_mask"'),
        ('inmodal', MASK, 'rename it to "visible_mask"'),
        ('occluded_mask', MASK, 'rename it to "invisible_mask"'),
        ('hidden', [[0, 0, 2, 0, 2, 2]], 'rename it to "invisible_mask"'),
        ('occlusion_rate', 0.25, 'rename it to "occlude_rate"'),
        ('occluded_rate', 0, 'rename it to "occlude_rate"'),
        ('visib_fract', 0.75, '1 minus its value as "occlude_rate"'),
    ],
)
def test_names_the_key_that_is_meant(key, value, remedy):
    entries = [dict(id=1), {'id': 2, key: value}]
    message = foreign_keys(entries)
    assert f'1 annotations have the key "{key}"' in message
    assert remedy in message
    # the masks say what is visible, whichever other keys there are
    assert foreign_keys([*entries, dict(visible_mask=MASK)]) == ''


@pytest.mark.parametrize(
    'entry',
    [
        dict(visible_bbox=[0, 0, 1, 1]),
        dict(occl_depth=1),
        dict(occluded=1),
        dict(amodal_area=3.5),
        dict(occlude_rate=0.5, occlusion_rate=0.5),
        dict(amodal_segm=None),
        dict(occlusion_rate=None),
        {'id': 3, 'name': 'modal'},
    ],
)
def test_keys_that_change_nothing(entry):
    assert foreign_keys([entry, None, 'text']) == ''


def test_a_list_that_is_missing():
    assert foreign_keys(None) == ''
