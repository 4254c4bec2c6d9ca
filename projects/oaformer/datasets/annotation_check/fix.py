"""A corrected copy of an annotation file."""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

from .check import check_annotations
from .correct import correct_annotation, correct_image
from .image_files import ImageFile
from .problem import Problem
from .values import is_id, without_non_finite

SECTIONS = ('images', 'annotations', 'categories')
REMOVED = 'removed'
"""Key of the copy that keeps what had to be left out."""


class Change(NamedTuple):
    """What was done about one problem.

    Attributes:
        problem: The problem.
        action: 'corrected' or 'removed', as its entry was.
    """

    problem: Problem
    action: str

    def to_dict(self) -> dict[str, Any]:
        """The change for JSON."""
        changed = {'action': self.action, **self.problem.to_dict()}
        # Positions move where entries are removed.
        del changed['index']
        return changed


class FixedAnnotations(NamedTuple):
    """Result of :func:`fix_annotations`.

    Attributes:
        content: The corrected content. Entries that had to be left out stand in its
            list ``removed``, each as ``entry`` with the ``reason`` and the ``section``
            it was in; the key is absent where nothing was left out.
        removed: What this correction added to that list.
        changes: All that was done. A problem that came up by the correction of another
            one is among them: a rate follows from a mask that was cut.
    """

    content: dict[str, Any]
    removed: list[dict[str, Any]]
    changes: list[Change]


def fix_annotations(
    content: Mapping[str, Any], images: Mapping[str, ImageFile] | None = None
) -> FixedAnnotations:
    """Correct an annotation file in the schema.

    What follows from the masks is recomputed; what nobody can tell is left out of the
    lists and kept under ``removed``. :func:`check_annotations` finds nothing in the
    result. ``KINDS`` says what is done for each kind.

    Args:
        content: Content of the file; it stays as it is.
        images: The image files by ``file_name``; None leaves them alone.

    Returns:
        The corrected copy, equal to ``content`` where nothing is wrong.
    """
    content = dict(content)
    removed: list[dict[str, Any]] = []
    changes: list[Change] = []
    # Every round corrects or removes each entry that something is wrong with.
    while problems := check_annotations(content, images).problems:
        content |= _fix_once(content, problems, images or {}, removed, changes)
    if removed:
        earlier = content.get(REMOVED, [])
        content[REMOVED] = (
            earlier if isinstance(earlier, list) else [earlier]
        ) + removed
    return FixedAnnotations(content, removed, changes)


def _fix_once(
    content: dict[str, Any],
    problems: list[Problem],
    images: Mapping[str, ImageFile],
    removed: list[dict[str, Any]],
    changes: list[Change],
) -> dict[str, list]:
    """Correct or remove each entry that has a problem.

    Returns:
        The lists of the file anew; ``removed`` and ``changes`` are added to.
    """
    by_entry: dict[tuple[str, int], list[Problem]] = defaultdict(list)
    # Annotations are measured by their images and categories: those come first.
    others = [problem for problem in problems if problem.section != 'annotations']
    problems = others + _ambiguous_entries(content, others) or problems
    for problem in problems:
        by_entry[problem.section, problem.index].append(problem)
    correct = _Corrector(content, images)
    lists: dict[str, list] = {section: list(content[section]) for section in SECTIONS}
    for (section, index), wrong in by_entry.items():
        entry = content[section][index]
        corrected = correct(section, entry, wrong)
        lists[section][index] = corrected
        action = 'corrected' if corrected is not None else 'removed'
        changes += [Change(problem, action) for problem in wrong]
        if corrected is None:
            reason = '; '.join(problem.message for problem in wrong)
            entry = without_non_finite(entry)
            removed.append(dict(reason=reason, section=section, entry=entry))
    fixed = {
        section: [
            entry
            for index, entry in enumerate(entries)
            if entry is not None or (section, index) not in by_entry
        ]
        for section, entries in lists.items()
    }
    _merge_categories(fixed['annotations'], content, problems)
    return fixed


class _Corrector:
    """Corrects entries of one file by what the other entries say."""

    def __init__(
        self, content: Mapping[str, Any], images: Mapping[str, ImageFile]
    ) -> None:
        self.files = images
        self.images: dict[Hashable, dict] = {}
        for image in content['images']:
            if isinstance(image, dict) and is_id(image.get('id')):
                self.images.setdefault(image['id'], image)
        self.annotations: dict[Hashable, list[dict]] = defaultdict(list)
        ids = [0]
        for annotation in content['annotations']:
            if not isinstance(annotation, dict):
                continue
            if is_id(annotation.get('image_id')):
                self.annotations[annotation['image_id']].append(annotation)
            if isinstance(annotation.get('id'), int):
                ids.append(annotation['id'])
        self.next_id = max(ids) + 1

    def __call__(
        self, section: str, entry: Any, problems: list[Problem]
    ) -> dict | None:
        """A corrected copy of an entry; None if it can't be corrected."""
        if not isinstance(entry, dict):
            return None
        if section == 'categories':
            is_lost = any(problem.kind != 'not_finite' for problem in problems)
            return None if is_lost else without_non_finite(entry)
        if section == 'images':
            key = entry.get('id')
            annotations = self.annotations[key] if is_id(key) else []
            image = self.files.get(str(entry.get('file_name')))
            return correct_image(entry, problems, annotations, image)
        key = entry.get('image_id')
        image = self.images.get(key) if is_id(key) else None
        corrected = correct_annotation(entry, problems, image, self.next_id)
        if corrected is not None and corrected['id'] == self.next_id:
            self.next_id += 1
        return corrected


def _ambiguous_entries(
    content: Mapping[str, Any], problems: list[Problem]
) -> list[Problem]:
    """First entries of an id that later entries use for something else.

    Whom the annotations mean nobody can tell, so the first one can't stay either.
    """
    ambiguous = []
    for section, kind, key in (
        ('images', 'duplicate_image_id', 'file_name'),
        ('categories', 'duplicate_category_id', 'name'),
    ):
        later = [problem for problem in problems if problem.kind == kind]
        ids = {problem.id for problem in later}
        first: dict[Hashable, tuple[int, dict]] = {}
        for index, entry in enumerate(content[section] if later else []):
            if (
                isinstance(entry, dict)
                and is_id(entry.get('id'))
                and entry['id'] in ids
            ):
                first.setdefault(entry['id'], (index, entry))
        for problem in later:
            if problem.id not in first:
                continue
            index, entry = first[problem.id]
            if entry.get(key) != content[section][problem.index].get(key):
                del first[problem.id]
                ambiguous.append(
                    problem._replace(
                        index=index,
                        file_name=entry.get('file_name'),
                        message=f'the id {problem.id} is used again for something else',
                    )
                )
    return ambiguous


def _merge_categories(
    annotations: list[dict], content: Mapping[str, Any], problems: list[Problem]
) -> None:
    """Give annotations of categories with one name the id of the first of them."""
    merged = {
        problem.id: content['categories'][problem.index]['name']
        for problem in problems
        if problem.kind == 'duplicate_category_name'
    }
    if not merged:
        return
    first: dict[str, Hashable] = {}
    for category in content['categories']:
        key = category.get('id') if isinstance(category, dict) else None
        if is_id(key) and key not in merged:
            first.setdefault(str(category.get('name')), key)
    for index, annotation in enumerate(annotations):
        key = annotation.get('category_id')
        if is_id(key) and key in merged:
            annotations[index] = {**annotation, 'category_id': first[merged[key]]}
