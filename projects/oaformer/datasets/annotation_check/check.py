"""All findings of an annotation file: the loader's rules, and what it can't see.

What is wrong with one annotation is found by :func:`parse_annotation` and
:func:`read_entries`, as in the loader. Here are the facts beyond: image files, objects
annotated twice, and invisible masks and keys that the loader does not need.
"""

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

from ...structures import rle_area, rle_intersection
from ..annotation import AmodalAnnotation, parse_annotation, read_part
from ..annotation_ids import image_of, read_entries, size_of
from ..annotation_keys import unread_keys
from ..findings import SECTIONS, Finding
from .image_files import ImageFile
from .statistics import Statistics, collect_statistics

_SECTION_ORDER = tuple(SECTIONS)


class AnnotationCheck(NamedTuple):
    """Result of :func:`check_annotations`.

    Attributes:
        statistics: What the file holds.
        findings: Everything that is wrong, in the order of the file.
    """

    statistics: Statistics
    findings: list[Finding]


def check_annotations(
    content: Mapping[str, Any], files: Mapping[str, ImageFile] | None = None
) -> AnnotationCheck:
    """Find everything that is wrong with an annotation file in the schema.

    Args:
        content: Content of the file, with the lists ``images``, ``annotations`` and
            ``categories``.
        files: The image files by ``file_name``; None does not look at them.
    """
    images, findings = read_entries(content)
    objects: list[tuple[dict, AmodalAnnotation | None]] = []
    first: dict[Hashable, Any] = {}
    with_objects: set[int] = set()
    for index, annotation in enumerate(content['annotations']):
        if not isinstance(annotation, dict):
            continue
        image = image_of(annotation, images)
        size = size_of(image)
        parsed, found = None, []
        if size is not None:
            parsed, found = parse_annotation(annotation, *size)
        if parsed is not None:
            found += _check_invisible(annotation, parsed)
            found += _check_repeated(annotation, parsed, first)
        if image is not None:
            with_objects.add(image['id'])
        objects.append((annotation, parsed))
        findings += [each.at('annotations', index, annotation, image) for each in found]
    findings += unread_keys(content['annotations'])
    if files is not None:
        findings += _check_images(content, files, with_objects)
    findings.sort(key=lambda each: (_SECTION_ORDER.index(each.section), each.index))
    return AnnotationCheck(collect_statistics(content, objects), findings)


def _check_images(
    content: Mapping[str, Any], files: Mapping[str, ImageFile], with_objects: set[int]
) -> list[Finding]:
    findings = []
    for index, image in enumerate(content['images']):
        if not isinstance(image, dict) or not isinstance(image.get('file_name'), str):
            continue
        file = files[image['file_name']]
        size = size_of(image)
        found = [Finding(kind, 'file_name', text) for kind, text in file.warnings]
        if file.size is None:
            found = [Finding('missing_image', 'file_name', file.error)]
        elif size not in (None, file.size):
            message = (
                f'the file is {file.size[0]} x {file.size[1]} (height x width), '
                f'annotated as {size[0]} x {size[1]}'
            )
            if size == file.size[::-1]:
                turned = dict(file.warnings).get('turned_image')
                message += f'; {turned or "height and width are exchanged"}'
            key = image.get('id')
            has_objects = isinstance(key, Hashable) and key in with_objects
            kind = 'image_size' if has_objects else 'empty_image_size'
            found = [Finding(kind, None, message)]
        findings += [each.at('images', index, image) for each in found]
    return findings


def _check_invisible(
    annotation: Mapping[str, Any], parsed: AmodalAnnotation
) -> list[Finding]:
    """Whether the invisible mask is the amodal mask without the visible one."""
    key = 'invisible_mask'
    if annotation.get(key) is None:
        return []
    invisible = read_part(annotation, key, *parsed.amodal['size'])
    if isinstance(invisible, Finding):
        return [invisible._replace(kind=key)]
    amodal_area = rle_area(parsed.amodal)
    inside = rle_area(rle_intersection(invisible, parsed.amodal))
    overlap = rle_area(rle_intersection(invisible, parsed.visible))
    gap = amodal_area - rle_area(parsed.visible) - inside + overlap
    outside = rle_area(invisible) - inside
    parts = [
        (overlap, 'are visible as well'),
        (gap, 'are neither visible nor invisible'),
        (outside, 'lie outside the amodal mask'),
    ]
    wrong = [f'{number} pixels {what}' for number, what in parts if number]
    if not wrong:
        return []
    message = f'the parts do not add up: {", ".join(wrong)}'
    return [Finding(key, key, message, overlap + gap + outside)]


def _check_repeated(
    annotation: Mapping[str, Any], parsed: AmodalAnnotation, first: dict[Hashable, Any]
) -> list[Finding]:
    """Whether an object is there already; adds it to ``first``, its id by its key."""
    key = (
        annotation['image_id'],
        str(annotation.get('category_id')),
        parsed.amodal['counts'],
        parsed.visible['counts'],
    )
    if key not in first:
        first[key] = annotation.get('id')
        return []
    message = f'the same object as annotation {first[key]}'
    return [Finding('duplicate_object', None, message)]
