from planted_faults import entry, first, good_content

from oaformer.datasets.annotation_check import check_annotations


def statistics(content):
    return check_annotations(content).statistics


def test_numbers_of_a_good_file():
    result = statistics(good_content())
    assert result.counts == dict(
        images=3,
        with_objects=2,
        without_objects=1,
        objects=5,
        occluded=2,
        fully_hidden=1,
        crowd=1,
        without_visible_mask=2,
        unreadable=0,
    )
    assert result.categories == dict(cup=2, box=3)
    assert result.unoccluded == 3
    # 0.325 and 1
    assert result.rate_histogram == [0, 0, 0, 1, 0, 0, 0, 0, 0, 1]
    assert result.image_sizes == {(20, 30): 2, (24, 16): 1}
    assert result.object_sizes == dict(small=5, medium=0, large=0)


def test_bins_end_at_their_upper_edge():
    """Hidden: 20, 60 and 61 of 200 pixels."""
    for columns, rest, expected in [(2, 0, 0), (6, 0, 2), (6, 1, 3)]:
        content = good_content()
        boxes = [(2, 3 + columns, 12, 23)]
        if rest:
            boxes = [(2, 4 + columns, 12, 23), (3, 3 + columns, 12, 4 + columns)]
        entry(content, 11).update(
            visible_mask=first(*boxes), occlude_rate=None, occl_depth=None
        )
        histogram = statistics(content).rate_histogram
        # the cup and the hidden object are there as well
        histogram[3] -= 1
        histogram[9] -= 1
        assert histogram == [int(index == expected) for index in range(10)]


def test_objects_with_errors_are_counted_apart():
    content = good_content()
    entry(content, 12)['segmentation'] = 'x'
    entry(content, 13)['iscrowd'] = '1'
    content['annotations'].append(None)
    content['categories'].append(None)
    result = statistics(content)
    assert result.counts['objects'] == 5
    assert result.counts['unreadable'] == 2
    assert result.counts['occluded'] == 1
    assert result.unoccluded == 2


def test_an_object_with_a_rate_only_is_occluded():
    content = good_content()
    entry(content, 13)['occlude_rate'] = 0.4
    result = statistics(content)
    assert (result.counts['occluded'], result.unoccluded) == (3, 2)
    assert result.rate_histogram == [0, 0, 0, 2, 0, 0, 0, 0, 0, 1]
    entry(content, 13)['occlude_rate'] = 1
    assert statistics(content).counts['fully_hidden'] == 2
