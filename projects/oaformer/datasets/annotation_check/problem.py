"""What can be wrong with an annotation file, and how it is told."""

from typing import Any, NamedTuple

ERROR = 'error'
"""Severity of what the loader refuses, or would take for something else."""
WARNING = 'warning'
"""Severity of what the loader corrects by itself, or takes as it stands."""


class Kind(NamedTuple):
    """One kind of inconsistency.

    Attributes:
        severity: ``ERROR`` or ``WARNING``.
        title: What is wrong, in words.
        fix: What becomes of it in a corrected copy.
    """

    severity: str
    title: str
    fix: str


KINDS = {
    'missing_key': Kind(
        ERROR,
        'a key that is needed is missing',
        'annotation ids are given, sizes of images are measured; else removed',
    ),
    'invalid_value': Kind(
        ERROR,
        'a value of the wrong type',
        'recomputed or measured where the masks or the image tell it; else removed',
    ),
    'duplicate_image_id': Kind(
        ERROR,
        'several images with one id',
        'the same file again is removed; of different files, all are removed, as '
        'nobody can tell whose objects are whose',
    ),
    'duplicate_annotation_id': Kind(
        ERROR, 'several annotations with one id', 'all but the first get a new id'
    ),
    'duplicate_category_id': Kind(
        ERROR,
        'several categories with one id',
        'the same name again is removed; of different names, all are removed, as '
        'nobody can tell what their objects are',
    ),
    'duplicate_category_name': Kind(
        ERROR, 'several categories with one name', 'merged into the first'
    ),
    'unknown_image': Kind(
        ERROR, 'an annotation of an image that is not in the file', 'removed'
    ),
    'unknown_category': Kind(
        ERROR, 'an annotation of a category that is not in the file', 'removed'
    ),
    'mask_size': Kind(
        ERROR,
        'a mask of another size than its image',
        'a visible mask is rebuilt from the invisible one; else removed',
    ),
    'undecodable_mask': Kind(
        ERROR,
        'a mask that cannot be decoded',
        'a visible mask is rebuilt from the invisible one; else removed',
    ),
    'empty_amodal_mask': Kind(ERROR, 'an amodal mask without a pixel', 'removed'),
    'missing_image': Kind(
        ERROR,
        'an image that is not in the folder, or is no image',
        'removed, with its annotations',
    ),
    'image_size': Kind(
        ERROR,
        'an image of another size than annotated',
        'the size is corrected where RLE masks have the size of the image, or there '
        'is no object; else removed, with its annotations',
    ),
    'visible_outside_amodal': Kind(
        WARNING,
        'a visible mask that leaves its amodal mask',
        'cut to the amodal mask; the invisible mask follows',
    ),
    'invisible_mask': Kind(
        WARNING,
        'an invisible mask that is not the amodal mask without the visible one',
        'recomputed',
    ),
    'occlusion_rate': Kind(
        WARNING,
        'an occlusion rate that disagrees with the masks',
        'recomputed from the masks',
    ),
    'bbox': Kind(
        WARNING,
        'a box that disagrees with the amodal mask',
        'recomputed from the amodal mask',
    ),
    'area': Kind(
        WARNING,
        'an area that disagrees with the amodal mask',
        'recomputed from the amodal mask',
    ),
    'not_finite': Kind(
        WARNING,
        'a number that is not finite',
        'recomputed where the masks tell it; null elsewhere',
    ),
    'duplicate_object': Kind(
        WARNING,
        'an object annotated twice: same image, category and masks',
        'all but the first are removed',
    ),
    'occl_depth': Kind(
        WARNING,
        'a depth that the visible masks contradict',
        'left out of both objects, as nobody can tell which of them is wrong',
    ),
}
"""Every kind of inconsistency by its name, errors first."""


class Problem(NamedTuple):
    """One inconsistency.

    Attributes:
        kind: Its kind, one of ``KINDS``.
        section: List of the file that holds the entry: ``images``, ``annotations`` or
            ``categories``.
        index: Position of the entry in that list.
        key: The entry's key that is wrong; None where it is the entry as a whole.
        message: What is wrong, with numbers.
        value: The number that is off, in the unit of the message; None without one.
        id: Id of the entry, None without one.
        image_id: Id of the image that it belongs to; None for categories.
        file_name: File of that image, where known.
    """

    kind: str
    section: str
    index: int
    key: str | None
    message: str
    value: float | None = None
    id: Any = None
    image_id: Any = None
    file_name: str | None = None

    @property
    def severity(self) -> str:
        """``ERROR`` or ``WARNING``."""
        return KINDS[self.kind].severity

    def place(self) -> str:
        """The entry in words, such as 'annotation 12 (image 3, a.jpg)'."""
        name = {'images': 'image', 'annotations': 'annotation'}.get(
            self.section, 'category'
        )
        number = f'at position {self.index}' if self.id is None else self.id
        details = [self.file_name] if self.file_name else []
        if self.section == 'annotations':
            details.insert(0, f'image {self.image_id}')
        text = f' ({", ".join(map(str, details))})' if details else ''
        return f'{name} {number}{text}'

    def to_dict(self) -> dict[str, Any]:
        """The problem for JSON."""
        return {'severity': self.severity, **self._asdict()}


class Finding(NamedTuple):
    """An inconsistency of one entry, without the entry's place in the file.

    Attributes:
        kind: Its kind, one of ``KINDS``.
        key: The key that is wrong; None where it is the entry as a whole.
        message: What is wrong, with numbers.
        value: The number that is off; None without one.
    """

    kind: str
    key: str | None
    message: str
    value: float | None = None
