"""Entries of an annotation file: their keys, ids, and whom they refer to."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

from .problem import Finding, Problem
from .values import find_non_finite, is_id, is_side

SIDES = ('height', 'width')


class Entries(NamedTuple):
    """What the annotations of a file can refer to.

    Attributes:
        images: Position of an image in its list by id; the first one of an id.
        categories: The same for categories.
        problems: What is wrong with images and categories.
    """

    images: dict[Hashable, int]
    categories: dict[Hashable, int]
    problems: list[Problem]


def check_entries(content: Mapping[str, Any]) -> Entries:
    """Check images and categories.

    Args:
        content: Content of the file, with the lists ``images`` and ``categories``.

    Returns:
        Positions by id, and what is wrong.
    """
    problems: list[Problem] = []
    images = _check_section(content, 'images', _check_image, problems)
    categories = _check_section(content, 'categories', _check_category, problems)
    names: dict[str, Any] = {}
    for key, index in categories.items():
        name = content['categories'][index].get('name')
        if not isinstance(name, str):
            continue
        if name in names:
            message = f'the name {name!r} is that of category {names[name]}, too'
            finding = Finding('duplicate_category_name', 'name', message)
            problems.append(as_problem(finding, content, 'categories', index))
        names.setdefault(name, key)
    return Entries(images, categories, problems)


def check_references(
    content: Mapping[str, Any], index: int, seen: dict[Hashable, int], entries: Entries
) -> list[Finding]:
    """Check the ids of one annotation.

    Args:
        content: Content of the file.
        index: Position of the annotation.
        seen: Position of every annotation by id, up to here; this one is added.
        entries: What it can refer to.

    Returns:
        What is wrong.
    """
    annotation = content['annotations'][index]
    findings = _check_id(annotation, index, seen, 'annotation')
    for key, known in (
        ('image_id', entries.images),
        ('category_id', entries.categories),
    ):
        value = annotation.get(key)
        name = key.removesuffix('_id')
        if value is None:
            findings.append(_missing(key))
        elif not is_id(value):
            findings.append(_wrong_type(key, value, 'a whole number'))
        elif value not in known:
            message = f'there is no {name} {value} in the file'
            findings.append(Finding(f'unknown_{name}', key, message))
    return findings


def has_size(image: Mapping[str, Any]) -> bool:
    """Whether an image states a height and a width that can be right."""
    return all(is_side(image.get(key)) for key in SIDES)


def as_problem(
    finding: Finding,
    content: Mapping[str, Any],
    section: str,
    index: int,
    file_name: str | None = None,
) -> Problem:
    """Add an entry's place in the file to a finding.

    Args:
        finding: What is wrong.
        content: Content of the file.
        section: List that holds the entry.
        index: Its position in that list.
        file_name: File of the entry's image, if it isn't the entry's own.

    Returns:
        The problem.
    """
    entry = content[section][index]
    entry = entry if isinstance(entry, dict) else {}
    image_key = {'images': 'id', 'annotations': 'image_id'}.get(section)
    return Problem(
        kind=finding.kind,
        section=section,
        index=index,
        key=finding.key,
        message=finding.message,
        value=finding.value,
        id=entry.get('id'),
        image_id=entry.get(image_key),
        file_name=file_name or entry.get('file_name'),
    )


def not_an_entry(entry: object) -> Finding:
    """The finding for an entry that is no dict."""
    message = f'the entry is {type(entry).__name__}, not an object with keys'
    return Finding('invalid_value', None, message)


def _check_section(
    content: Mapping[str, Any],
    section: str,
    check: Callable[[dict], list[Finding]],
    problems: list[Problem],
) -> dict[Hashable, int]:
    """Positions by id of one list; adds to ``problems``."""
    seen: dict[Hashable, int] = {}
    name = {'images': 'image', 'categories': 'category'}[section]
    for index, entry in enumerate(content[section]):
        if isinstance(entry, dict):
            findings = _check_id(entry, index, seen, name) + check(entry)
        else:
            findings = [not_an_entry(entry)]
        problems += [as_problem(each, content, section, index) for each in findings]
    return seen


def _check_id(
    entry: Mapping[str, Any], index: int, seen: dict[Hashable, int], name: str
) -> list[Finding]:
    value = entry.get('id')
    if value is None:
        return [_missing('id')]
    if not is_id(value):
        return [_wrong_type('id', value, 'a whole number')]
    if value in seen:
        message = f'the id {value} is that of the {name} at position {seen[value]}, too'
        return [Finding(f'duplicate_{name}_id', 'id', message)]
    seen[value] = index
    return []


def _check_image(image: dict) -> list[Finding]:
    findings = _check_text(image, 'file_name')
    for key in SIDES:
        if image.get(key) is None:
            findings.append(_missing(key))
        elif not is_side(image[key]):
            findings.append(_wrong_type(key, image[key], 'a positive whole number'))
    return findings + find_non_finite(image, skip=SIDES)


def _check_category(category: dict) -> list[Finding]:
    return _check_text(category, 'name') + find_non_finite(category, skip=())


def _check_text(entry: Mapping[str, Any], key: str) -> list[Finding]:
    if entry.get(key) is None:
        return [_missing(key)]
    if not isinstance(entry[key], str):
        return [_wrong_type(key, entry[key], 'a text')]
    return []


def _missing(key: str) -> Finding:
    return Finding('missing_key', key, f'"{key}" is missing')


def _wrong_type(key: str, value: object, expected: str) -> Finding:
    return Finding('invalid_value', key, f'"{key}" is {value!r}, not {expected}')
