"""Keys of annotations that look like the schema's and are not read."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from .annotation import PARTS
from .annotation_fields import is_number
from .findings import Finding

# Unconverted files of these formats would load with every object unoccluded, or empty.
_CONVERTERS = (
    ('original COCOA', {'regions'}, 'cocoa_to_amodal.py'),
    ('original KINS', {'inmodal_seg', 'a_segm', 'i_segm'}, 'kins_to_amodal.py'),
)
_RATES = {*PARTS} | {'occlude_rate'}
_FLAGS = {'iscrowd', 'ignore'}
_READ = _RATES | _FLAGS | {'segmentation'}

_SHARE = 'rate|ratio|frac|percent|share'
# What a key is meant for, by the first pattern that its word has.
_MEANINGS = (
    # depth, other objects, points and numbers of pixels add nothing to the masks
    ('depth|order|_ids?$|_by$|occluder|occluding|occludes', None),
    ('point|kpt|joint|landmark|corner|px|pixel|count|num', None),
    (f'^(?!.*({_SHARE})).*(box|area)', None),
    ('^(is_?)?crowds?$', 'iscrowd'),
    ('^(is_?)?ignored?(_flag)?$', 'ignore'),
    ('invis|unseen|hidden|(?<!un)(?<!non_)(?<!not_)occl', 'invisible_mask'),
    ('(^|_)occ(_|$)', 'invisible_mask'),
    ('(^|_|in)modal(?!it)|visib|(^|_)vis(_|$)|occl', 'visible_mask'),
    ('amodal|(full|whole|complete)_?(mask|seg)', 'segmentation'),
)
_PLAIN_MASK = '^(segmentations?|segms?|seg|masks?|polygons?|rle)$'


class _UnreadKey(NamedTuple):
    """A key that looks like the schema's.

    Attributes:
        key: The key.
        meant: The schema's key that it looks like.
        number: In how many annotations it has a value.
        first: Position of the first of them.
        remedy: What to do with it.
        is_lost: Whether what it says is under no key that is read.
    """

    key: str
    meant: str
    number: int
    first: int
    remedy: str
    is_lost: bool

    def message(self) -> str:
        return (
            f'{self.number} annotations have the key "{self.key}", which is not '
            f'read: {self.remedy}'
        )


def foreign_keys(annotations: object) -> str:
    """What to do about keys whose masks, rates or flags would be passed over.

    Args:
        annotations: The list of a file, perhaps of another format.

    Returns:
        Some sentences; empty where nothing is lost: no key looks like amodal, visible
        or occlusion data or a flag, or the file has these data under the schema's keys
        as well.
    """
    entries = annotations if isinstance(annotations, list) else []
    keys = set().union(*(entry for entry in entries if isinstance(entry, dict)))
    for name, foreign, tool in _CONVERTERS:
        if keys & foreign:
            return (
                f'This looks like {name}: convert it with '
                f'tools/dataset_converters/{tool}.'
            )
    lost = [each for each in _unread(entries) if each.is_lost]
    sentences = [f'{each.message()}.' for each in lost]
    if any(each.meant not in _FLAGS for each in lost):
        sentences.append(
            'The amodal mask is "segmentation", its visible part "visible_mask", the '
            'hidden one "invisible_mask", the hidden share (0 to 1) "occlude_rate"; '
            'without the last three every object counts as unoccluded.'
        )
    return ' '.join(sentences)


def unread_keys(annotations: Sequence[object]) -> list[Finding]:
    """One finding for each key that looks like the schema's and is not read."""
    return [
        Finding('unread_key', each.key, each.message()).at(
            'annotations', each.first, annotations[each.first]
        )
        for each in _unread(annotations)
    ]


def _unread(annotations: Sequence[object]) -> Iterator[_UnreadKey]:
    entries = {
        index: entry
        for index, entry in enumerate(annotations)
        if isinstance(entry, dict)
    }
    keys = set().union(*entries.values())
    read = {
        key
        for key in keys & _READ
        if any(entry.get(key) is not None for entry in entries.values())
    }
    for key in sorted(keys - _READ, key=str):
        # 'visibleMask ' is 'visible_mask'
        word = re.sub('(?<=[a-z])(?=[A-Z])', '_', str(key)).lower()
        word = re.sub('[^a-z]+', '_', word).strip('_')
        meant = _meaning(word, read)
        if meant is None:
            continue
        # a copy of the amodal mask says nothing new
        values = {
            index: entry[key]
            for index, entry in entries.items()
            if entry.get(key) is not None and entry[key] != entry.get('segmentation')
        }
        found = _remedy(word, meant, list(values.values()), read)
        if found is not None:
            yield _UnreadKey(key, meant, len(values), next(iter(values)), *found)


def _meaning(word: str, read: set[str]) -> str | None:
    """The schema's key that is meant if the values are masks, or flags."""
    if re.search(_PLAIN_MASK, word) and 'segmentation' not in read:
        return 'segmentation'
    return next((meant for each, meant in _MEANINGS if re.search(each, word)), None)


def _remedy(
    word: str, meant: str, values: Sequence[object], read: set[str]
) -> tuple[str, bool] | None:
    """What to do with a key, and whether what it says is lost; None for no data."""
    rename = f'rename it to "{meant}"'
    texts = [value for value in values if isinstance(value, str)]
    numbers = [value for value in values if is_number(value)]
    if meant in _FLAGS:
        is_set = any(value not in (0, '0', '') for value in values)
        return (rename, is_set and meant not in read) if values else None
    if any(map(_is_mask, values)) or texts and re.search('mask|seg|rle|poly', word):
        if texts:
            rename = f'write the masks, as polygons or RLE, as "{meant}"'
        elif meant in read:
            rename += ' (if this holds the visible mask now, "visible_mask" is its key)'
        return rename, not read.intersection(PARTS) or meant not in read.union(PARTS)
    if meant == 'segmentation' or not texts + numbers + [
        value for value in values if isinstance(value, bool)
    ]:
        return None
    is_share = any(isinstance(value, float) and value % 1 for value in numbers)
    if not is_share and not re.search(_SHARE, word):
        return 'a mask or an "occlude_rate" (0 to 1) would say what is hidden', False
    rename = 'rename it to "occlude_rate"'
    if meant == 'visible_mask':
        rename = 'write 1 minus its value as "occlude_rate"'
    if any(number > 1 for number in numbers):
        rename += ', as a share from 0 to 1'
    return rename, not read & _RATES


def _is_mask(value: object) -> bool:
    """Whether a value looks like an RLE or polygons, nested or flat."""
    if isinstance(value, Mapping):
        return 'counts' in value
    if not isinstance(value, list) or not value:
        return False
    if isinstance(value[0], Mapping):
        return _is_mask(value[0])
    if isinstance(value[0], list):
        return any(map(_is_mask, value)) or sum(map(_size, value)) >= 6
    # a short list, or one of 0, 1 and 2, is about points or other objects
    return len(value) >= 6 and all(map(is_number, value)) and max(value) > 2


def _size(value: object) -> int:
    return len(value) if isinstance(value, list) else 0
