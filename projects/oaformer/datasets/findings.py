"""Everything that can be wrong with an annotation file, by kind and severity."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

ERROR = 'error'
"""The loader raises."""
CORRECTED = 'corrected'
"""The loader corrects it and counts it in the log."""
WARNING = 'warning'
"""The loader uses it as it is."""


class AnnotationError(ValueError):
    """An annotation file, or what a data set asks of it, can't be right."""


SECTIONS = dict(images='image', categories='category', annotations='annotation')
"""Lists of an annotation file, in the order they are read, and what an entry is."""


class Kind(NamedTuple):
    """One kind of finding.

    Attributes:
        severity: ``ERROR``, ``CORRECTED`` or ``WARNING``.
        title: What is wrong.
        correction: What the loader does about it, for ``CORRECTED``.
    """

    severity: str
    title: str
    correction: str | None = None


KINDS = {
    'missing_key': Kind(ERROR, 'a required key is missing'),
    'invalid_value': Kind(ERROR, 'a value of the wrong type'),
    'duplicate_image_id': Kind(ERROR, 'several images with one id'),
    'duplicate_annotation_id': Kind(ERROR, 'several annotations with one id'),
    'duplicate_category_id': Kind(ERROR, 'several categories with one id'),
    'duplicate_category_name': Kind(ERROR, 'several categories with one name'),
    'unknown_image': Kind(ERROR, 'an annotation of an image that is not in the file'),
    'unknown_category': Kind(
        ERROR, 'an annotation of a category that is not in the file'
    ),
    'mask_size': Kind(ERROR, 'a mask of another size than its image'),
    'undecodable_mask': Kind(ERROR, 'a mask that cannot be decoded'),
    'empty_amodal_mask': Kind(ERROR, 'an amodal mask without a pixel'),
    'missing_image': Kind(ERROR, 'an image file that is missing or unreadable'),
    'image_size': Kind(ERROR, 'an image file of another size than annotated'),
    'visible_outside_amodal': Kind(
        CORRECTED,
        'a visible mask that leaves its amodal mask',
        'visible mask cut to the amodal mask',
    ),
    'occlusion_rate': Kind(
        CORRECTED,
        'an occlusion rate that disagrees with the masks',
        'occlusion rate recomputed from the masks',
    ),
    'bbox': Kind(
        CORRECTED,
        'a box that disagrees with the amodal mask',
        'box recomputed from the amodal mask',
    ),
    'area': Kind(
        CORRECTED,
        'an area that disagrees with the amodal mask',
        'area recomputed from the amodal mask',
    ),
    'invisible_mask': Kind(
        WARNING,
        'an invisible mask that is not the amodal mask without the visible one',
    ),
    'unread_key': Kind(
        WARNING, 'a key that looks like masks, rates or flags and is not read'
    ),
    'duplicate_object': Kind(
        WARNING, 'an object annotated twice: same image, category and masks'
    ),
    'duplicate_image': Kind(
        WARNING,
        'an image listed twice (objects of one entry are background in the other: '
        'unite the entries)',
    ),
    'deep_image': Kind(
        WARNING,
        'an image of more than 8 bits per channel, which may load dark: store it in 8',
    ),
    'turned_image': Kind(
        WARNING,
        'an image that an EXIF note turns: store it turned, without the note',
    ),
    'empty_image_size': Kind(
        WARNING, 'an image file of another size than annotated, without objects to load'
    ),
}
"""Every kind of finding by its name, errors first."""


class Finding(NamedTuple):
    """One thing that is wrong with an entry of the file.

    Attributes:
        kind: One of ``KINDS``.
        key: The entry's key that is wrong; None where it is the entry as a whole.
        message: What is wrong, with numbers.
        value: The number that is off, in the unit of the message; None without one.
        section: List that holds the entry, one of ``SECTIONS``.
        index: Position of the entry in that list, None where unknown.
        id: Id of the entry, None without one.
        image_id: Id of the image that it belongs to; None for categories.
        file_name: File of that image, where known.
    """

    kind: str
    key: str | None
    message: str
    value: float | None = None
    section: str = 'annotations'
    index: int | None = None
    id: Any = None
    image_id: Any = None
    file_name: str | None = None

    @property
    def severity(self) -> str:
        """``ERROR``, ``CORRECTED`` or ``WARNING``."""
        return KINDS[self.kind].severity

    def at(
        self,
        section: str,
        index: int | None,
        entry: object,
        image: Mapping[str, Any] | None = None,
    ) -> 'Finding':
        """The finding with the place of its entry, whose ``image`` may be known."""
        entry = entry if isinstance(entry, dict) else {}
        image_key = dict(images='id', annotations='image_id').get(section)
        return self._replace(
            section=section,
            index=index,
            id=entry.get('id'),
            image_id=entry.get(image_key),
            file_name=(image or entry).get('file_name'),
        )

    def place(self) -> str:
        """The entry in words, such as 'annotation 12 (image 3, a.jpg)'."""
        number = f'at position {self.index}' if self.id is None else self.id
        details = [self.file_name] if self.file_name else []
        if self.section == 'annotations':
            details.insert(0, f'image {self.image_id}')
        text = f' ({", ".join(map(str, details))})' if details else ''
        return f'{SECTIONS[self.section]} {number}{text}'

    def to_dict(self) -> dict[str, Any]:
        """The finding for strict JSON: a value that is not finite is None."""
        is_finite = self.value is not None and math.isfinite(self.value)
        value = self.value if is_finite else None
        return {'severity': self.severity, **self._asdict(), 'value': value}


def raise_first_error(ann_file: str, findings: Iterable[Finding]) -> None:
    """Raise the first error among findings, naming file, entry and fault.

    Raises:
        AnnotationError: If there is an error.
    """
    for finding in findings:
        if finding.severity == ERROR:
            raise AnnotationError(f'{ann_file}: {finding.place()}: {finding.message}')
