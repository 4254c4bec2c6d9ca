"""All checks of an annotation file, one after the other, none of which stops."""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

from ...structures import rle_area, rle_intersection
from .depth import DepthObject, check_depths
from .entries import (
    as_problem,
    check_entries,
    check_references,
    has_size,
    not_an_entry,
)
from .image_files import ImageFile
from .objects import ObjectMasks, check_object
from .problem import Finding, Problem
from .statistics import Statistics, collect_statistics


class AnnotationCheck(NamedTuple):
    """Result of :func:`check_annotations`.

    Attributes:
        statistics: What the file holds.
        problems: Every inconsistency, in the order of the file.
    """

    statistics: Statistics
    problems: list[Problem]


class _Object(NamedTuple):
    """An annotation with its position in the file and its masks, None if unreadable."""

    index: int
    annotation: dict
    masks: ObjectMasks | None


def check_annotations(
    content: Mapping[str, Any], images: Mapping[str, ImageFile] | None = None
) -> AnnotationCheck:
    """Find every inconsistency of an annotation file in the schema.

    Args:
        content: Content of the file, with the lists ``images``, ``annotations`` and
            ``categories``.
        images: The image files by ``file_name``; None leaves them alone.

    Returns:
        What the file holds and what is wrong with it.
    """
    entries = check_entries(content)
    problems = entries.problems
    if images is not None:
        problems += _check_images(content, images)
    objects: list[_Object] = []
    found: list[tuple[int, Finding]] = []
    seen: dict[Hashable, int] = {}
    for index, annotation in enumerate(content['annotations']):
        if not isinstance(annotation, dict):
            found.append((index, not_an_entry(annotation)))
            continue
        findings = check_references(content, index, seen, entries)
        image = _image_of(annotation, content, entries.images)
        masks = None
        if image is not None and has_size(image):
            masks, wrong = check_object(annotation, image['height'], image['width'])
            findings += wrong
        objects.append(_Object(index, annotation, masks))
        found += [(index, finding) for finding in findings]
    for group in _by_image(objects).values():
        found += _check_duplicate_objects(group)
        found += check_depths(
            [
                DepthObject(
                    item.annotation.get('id'),
                    item.index,
                    item.masks,
                    item.annotation.get('occl_depth'),
                )
                for item in group
            ]
        )
    for index, finding in sorted(found, key=lambda pair: pair[0]):
        image = _image_of(content['annotations'][index], content, entries.images)
        file_name = None if image is None else image.get('file_name')
        problems.append(as_problem(finding, content, 'annotations', index, file_name))
    sizes = [
        (image['height'], image['width'])
        for image in content['images']
        if isinstance(image, dict) and has_size(image)
    ]
    statistics = collect_statistics(
        content, sizes, [(item.annotation, item.masks) for item in objects]
    )
    return AnnotationCheck(statistics, problems)


def _image_of(
    annotation: object, content: Mapping[str, Any], images: Mapping[Hashable, int]
) -> dict | None:
    """The image of an annotation; None if it isn't in the file."""
    if not isinstance(annotation, dict):
        return None
    key = annotation.get('image_id')
    is_known = isinstance(key, Hashable) and key in images
    return content['images'][images[key]] if is_known else None


def _check_images(
    content: Mapping[str, Any], files: Mapping[str, ImageFile]
) -> list[Problem]:
    problems = []
    for index, image in enumerate(content['images']):
        if not isinstance(image, dict) or not isinstance(image.get('file_name'), str):
            continue
        file = files[image['file_name']]
        if file.size is None:
            finding = Finding('missing_image', 'file_name', file.error)
        elif has_size(image) and file.size != (image['height'], image['width']):
            message = (
                f'the file is {file.size[0]} x {file.size[1]} (height x '
                f'width), annotated as {image["height"]} x {image["width"]}'
            )
            finding = Finding('image_size', None, message)
        else:
            continue
        problems.append(as_problem(finding, content, 'images', index))
    return problems


def _by_image(objects: list[_Object]) -> dict[Hashable, list[_Object]]:
    """The readable objects of each image."""
    groups = defaultdict(list)
    for item in objects:
        if item.masks is not None:
            groups[item.annotation['image_id']].append(item)
    return groups


def _check_duplicate_objects(objects: list[_Object]) -> list[tuple[int, Finding]]:
    """Objects of one image that are there twice: the later ones."""
    findings = []
    first: dict[tuple, list[_Object]] = defaultdict(list)
    for item in objects:
        masks = item.masks
        key = (
            str(item.annotation.get('category_id')),
            *(masks.area, masks.visible_area, *masks.bbox),
        )
        for other in first[key]:
            if _are_equal(masks, other.masks):
                message = f'the same object as annotation {other.annotation.get("id")}'
                findings.append(
                    (item.index, Finding('duplicate_object', None, message))
                )
                break
        else:
            first[key].append(item)
    return findings


def _are_equal(first: ObjectMasks, second: ObjectMasks) -> bool:
    """Whether masks of equal areas are equal, however their runs are written."""
    return all(
        rle_area(rle_intersection(one, other)) == area
        for one, other, area in (
            (first.amodal, second.amodal, first.area),
            (first.visible, second.visible, first.visible_area),
        )
    )
