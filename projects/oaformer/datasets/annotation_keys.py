"""Keys of annotations that look like the schema's and are not read."""

import re
from collections.abc import Iterable, Mapping

# Unconverted files of these formats would load with every object unoccluded, or empty.
_CONVERTERS = (
    ('original COCOA', {'regions'}, 'cocoa_to_amodal.py'),
    ('original KINS', {'inmodal_seg', 'a_segm', 'i_segm'}, 'kins_to_amodal.py'),
)
_PARTS = {'visible_mask', 'invisible_mask'}
_READ = _PARTS | {'occlude_rate'}
# The first that matches; a box, an area or an order adds nothing to the masks.
_MEANINGS = (
    (r'box|area|depth|order|_id$', None),
    (r'invis|unseen|hidden|occl', 'invisible_mask'),
    (r'(?<!a)modal|visib|unoccl', 'visible_mask'),
    (r'amodal|(full|whole|complete)_?(mask|seg)', 'segmentation'),
)


def foreign_keys(annotations: object) -> str:
    """What to do about keys whose masks or rates would be passed over.

    Args:
        annotations: The list of a file, perhaps of another format.

    Returns:
        A sentence; empty where nothing is lost: no key looks like amodal, visible or
        occlusion data, or the file has these data under the schema's keys as well.
    """
    entries = annotations if isinstance(annotations, list) else []
    entries = [entry for entry in entries if isinstance(entry, dict)]
    keys = set().union(*entries)
    for name, foreign, tool in _CONVERTERS:
        if keys & foreign:
            return (
                f'This looks like {name}: convert it with '
                f'tools/dataset_converters/{tool}.'
            )
    if keys & _PARTS:
        return ''
    for key in sorted(map(str, keys - _READ)):
        remedy = _remedy(key, entries)
        if remedy and not ('occlude_rate' in remedy and 'occlude_rate' in keys):
            number = sum(key in entry for entry in entries)
            return (
                f'{number} annotations have the key "{key}", which is not read, so '
                f'every object would count as unoccluded: {remedy}. The '
                'amodal mask is "segmentation", its visible part "visible_mask", the '
                'hidden one "invisible_mask", the hidden share (0 to 1) "occlude_rate".'
            )
    return ''


def _remedy(key: str, entries: Iterable[Mapping]) -> str | None:
    """What to do with a key with masks or rates; None for any other."""
    word = re.sub(r'[^a-z]+', '_', key.lower())
    meant = next((meant for each, meant in _MEANINGS if re.search(each, word)), None)
    if meant is None:
        return None
    values = [entry[key] for entry in entries if entry.get(key) is not None]
    if not values:
        return None
    if any(isinstance(value, (dict, list)) for value in values):
        return f'rename it to "{meant}"'
    is_share = any(isinstance(value, float) and value % 1 for value in values)
    if not is_share and not re.search('rate|ratio|frac', word):
        return None
    if meant == 'visible_mask':
        return 'write 1 minus its value as "occlude_rate"'
    return 'rename it to "occlude_rate"'
