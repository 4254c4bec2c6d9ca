"""Ids, references and types of the entries of an annotation file."""

import posixpath
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .findings import SECTIONS, Finding


class _Type(NamedTuple):
    """What a key must hold, in words and as a test."""

    words: str
    accepts: Callable[[object], bool]


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_ID = _Type('a whole number (ids must be numbers such as 1, 2, 3)', _is_whole)
_SIDE = _Type('a positive whole number', lambda value: _is_whole(value) and value > 0)
_TEXT = _Type('a text', lambda value: isinstance(value, str) and value != '')
_LABEL = _Type(
    'a whole number or a text', lambda value: _is_whole(value) or isinstance(value, str)
)
_SCHEMA = dict(
    images=dict(id=_ID, file_name=_TEXT, height=_SIDE, width=_SIDE),
    categories=dict(id=_ID, name=_TEXT),
    # a text is enough for messages; the metric numbers the annotations itself
    annotations=dict(id=_LABEL, image_id=_ID, category_id=_ID),
)


def read_entries(content: Mapping[str, list]) -> tuple[dict[int, dict], list[Finding]]:
    """Check ids, references and types of all entries, masks and numbers apart.

    Args:
        content: Lists ``images``, ``categories`` and ``annotations``.

    Returns:
        Images by id (the first of an id), and all findings in the order images,
        categories, annotations.
    """
    findings: list[Finding] = []
    references: dict[str, dict[Any, dict]] = {}
    for section, name in SECTIONS.items():
        by_id: dict[Any, dict] = {}
        names: dict[str, Any] = {}
        for index, entry in enumerate(content[section]):
            if isinstance(entry, dict):
                found = _check_entry(entry, section, by_id, names, references)
            else:
                message = (
                    f'the entry is {type(entry).__name__}, not an object with keys'
                )
                found = [Finding('invalid_value', None, message)]
            if found:
                image = image_of(entry, references.get('image_id', {}))
                findings += [each.at(section, index, entry, image) for each in found]
        references[f'{name}_id'] = by_id
    return references['image_id'], findings


def image_of(annotation: object, images: Mapping[int, dict]) -> dict | None:
    """The image of an annotation; None if it is not among ``images`` by id."""
    key = annotation.get('image_id') if isinstance(annotation, dict) else None
    return images.get(key) if _is_whole(key) else None


def size_of(image: Mapping[str, Any] | None) -> tuple[int, int] | None:
    """Height and width of an image, None where it has no valid ones."""
    if image is None:
        return None
    height, width = image.get('height'), image.get('width')
    return (height, width) if _SIDE.accepts(height) and _SIDE.accepts(width) else None


def _check_entry(
    entry: dict,
    section: str,
    by_id: dict[Any, dict],
    names: dict[str, Any],
    references: Mapping[str, Mapping[int, dict]],
) -> list[Finding]:
    """Check one entry and add it to ``by_id`` and ``names``."""
    findings = []
    for key, expected in _SCHEMA[section].items():
        value = entry.get(key)
        kind = None
        if value is None:
            kind, message = 'missing_key', f'"{key}" is missing'
        elif not expected.accepts(value):
            kind = 'invalid_value'
            message = f'"{key}" is {value!r}, not {expected.words}'
        elif key == 'id':
            if by_id.setdefault(value, entry) is not entry:
                kind = f'duplicate_{SECTIONS[section]}_id'
                message = f'the id {value} is also that of another {SECTIONS[section]}'
        elif key == 'file_name':
            first = names.setdefault(posixpath.normpath(value), entry.get('id'))
            if first != entry.get('id'):
                kind = 'duplicate_image'
                message = f'{value} is also the file of image {first}'
        elif key == 'name':
            first = names.setdefault(value, entry.get('id'))
            if first != entry.get('id'):
                kind = 'duplicate_category_name'
                message = f'the name {value!r} is also that of category {first}'
        elif value not in references.get(key, (value,)):
            kind = f'unknown_{key.removesuffix("_id")}'
            message = f'{key} {value} not found in the file'
        if kind is not None:
            findings.append(Finding(kind, key, message))
    return findings
