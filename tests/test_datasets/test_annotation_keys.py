import pytest

from oaformer.datasets.annotation_keys import foreign_keys, unread_keys

MASK = dict(size=[2, 2], counts=[0, 1, 3])
WHOLE = dict(size=[2, 2], counts=[0, 4])


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
        ('vis_mask', MASK, 'rename it to "visible_mask"'),
        ('visible_masks', MASK, 'rename it to "visible_mask"'),
        ('visible_mask ', MASK, 'rename it to "visible_mask"'),
        ('visible_segm', [[[0, 0], [2, 0], [2, 2]]], 'rename it to "visible_mask"'),
        ('visible_mask_path', 'a.png', 'as polygons or RLE, as "visible_mask"'),
        ('occ_rate', 0.25, 'rename it to "occlude_rate"'),
        ('occluded_area_ratio', 0.25, 'rename it to "occlude_rate"'),
        ('occlusion', 0.25, 'rename it to "occlude_rate"'),
        ('occlusion_percent', 40, '"occlude_rate", as a share from 0 to 1'),
        ('unoccluded_ratio', 0.75, '1 minus its value as "occlude_rate"'),
    ],
)
def test_names_the_key_that_is_meant(key, value, remedy):
    entries = [dict(id=1, segmentation=WHOLE), {'id': 2, key: value}]
    message = foreign_keys(entries)
    assert f'1 annotations have the key "{key}"' in message
    assert remedy in message
    # a key of the schema without a value says nothing
    assert foreign_keys([*entries, dict(visible_mask=None)]) == message
    # the masks say what is visible, whichever other keys there are
    entries.append(dict(visible_mask=MASK))
    assert foreign_keys(entries) == ''
    (finding,) = unread_keys(entries)
    assert (finding.key, finding.index, finding.id) == (key, 1, 2)
    assert remedy in finding.message


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
        dict(occluded_by=[3, 5], occluder_mask=MASK),
        dict(visibility=[1, 0, 1], visible_points=[1.5, 2, 3, 4, 5, 6]),
        # D2SA's
        dict(amodal_region=dict(name='a', order=1), amodal_base=dict(size=2)),
        dict(oco_id=1, ico_id=0, occlusion_order=2),
        # copies of the amodal mask
        dict(segmentation=MASK, amodal_segm=MASK, visible_segm=MASK),
        dict(segmentation=MASK, mask=WHOLE),
        dict(is_crowd=0),
        dict(iscrowd=0, is_crowd=1),
        dict(px_count_visib=4.5, modality='rgb'),
    ],
)
def test_keys_that_change_nothing(entry):
    assert foreign_keys([entry, None, 'text']) == ''


def test_a_list_that_is_missing():
    assert foreign_keys(None) == ''


def test_all_keys_that_are_lost_are_named():
    """As aistron writes them: one remedy alone would still lose data."""
    entry = dict(segmentation=WHOLE, amodal_segm=MASK, visible_segm=MASK)
    message = foreign_keys([entry, dict(entry)])
    assert '2 annotations have the key "amodal_segm"' in message
    assert '2 annotations have the key "visible_segm"' in message
    assert 'if this holds the visible mask now' in message


@pytest.mark.parametrize(
    ('key', 'meant'),
    [
        ('is_crowd', 'iscrowd'),
        ('isCrowd', 'iscrowd'),
        ('iscrowd ', 'iscrowd'),
        ('ignored', 'ignore'),
        ('is_ignore', 'ignore'),
    ],
)
def test_flags_under_other_names(key, meant):
    for value in (1, True, '1'):
        message = foreign_keys([{key: 0}, {key: value}])
        assert f'"{key}", which is not read: rename it to "{meant}"' in message
        assert 'amodal' not in message
    assert [each.key for each in unread_keys([{key: 0}])] == [key]


@pytest.mark.parametrize('key', ['segm', 'segmentations', 'mask'])
def test_amodal_masks_under_another_name(key):
    assert 'rename it to "segmentation"' in foreign_keys([{key: MASK}])


def test_a_flag_is_no_rate():
    """As KITTI and CVAT have it: nothing that could be loaded."""
    entries = [dict(id=1), dict(id=2, occluded=1), dict(id=3, occluded=0)]
    assert foreign_keys(entries) == ''
    (finding,) = unread_keys(entries)
    assert finding.kind == 'unread_key'
    assert '2 annotations have the key "occluded"' in finding.message


def test_nothing_is_unread_in_the_schema():
    entry = dict.fromkeys(
        ('id', 'image_id', 'category_id', 'iscrowd', 'ignore', 'area', 'occl_depth'), 1
    )
    entry |= dict(
        segmentation=WHOLE,
        visible_mask=MASK,
        invisible_mask=MASK,
        occlude_rate=0.5,
        bbox=[0, 0, 2, 2],
        visible_bbox=[0, 0, 1, 1],
    )
    assert unread_keys([entry, None]) == []
