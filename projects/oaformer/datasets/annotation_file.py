"""Reading of an annotation file, with errors that name file, entry and remedy."""

import json
import logging
from typing import NamedTuple

from mmengine.fileio import get_local_path
from mmengine.logging import print_log

from .annotation import AmodalAnnotation, parse_annotation
from .annotation_ids import read_entries
from .annotation_keys import foreign_keys
from .findings import KINDS, AnnotationError, Finding, raise_first_error

CLASS_AGNOSTIC = ('object',)
"""The one class of the class-agnostic protocol."""


class AnnotationFile(NamedTuple):
    """Content of a COCO-style file whose ids and references are right.

    Attributes:
        name: Path of the file.
        images: Image (``id``, ``file_name``, ``height``, ``width``) by its id.
        annotations: All annotations as they are in the file; class-agnostic with one
            category.
        category_ids: Category id by class name, in the order of the ids.
    """

    name: str
    images: dict[int, dict]
    annotations: list[dict]
    category_ids: dict[str, int]

    def parse(self, annotation: dict) -> AmodalAnnotation:
        """Parse one of the annotations.

        Raises:
            AnnotationError: Naming file and annotation, if it can't be used.
        """
        image = self.images[annotation['image_id']]
        parsed, findings = parse_annotation(annotation, image['height'], image['width'])
        if parsed is None:
            raise_first_error(
                self.name,
                [each.at('annotations', None, annotation, image) for each in findings],
            )
        return parsed


def read_annotation_file(
    ann_file: str, backend_args: dict | None = None, class_agnostic: bool = False
) -> AnnotationFile:
    """Read an annotation file in the schema (a COCO superset, D2SA's own keys).

    Args:
        ann_file: Path of the file.
        backend_args: Arguments of MMEngine's file backend.
        class_agnostic: Whether all objects get one category, 'object' with id 1.

    Returns:
        Its content. Masks are not looked at yet.

    Raises:
        FileNotFoundError: If the file is missing.
        AnnotationError: If it is not JSON or not a COCO-style file, or ids are missing,
            of the wrong type, repeated or refer to nothing.
    """
    content = load_annotation_content(ann_file, backend_args)
    images, findings = read_entries(content)
    raise_first_error(ann_file, findings)
    _log_warnings(ann_file, findings)
    # by id: the same labels for files that list their categories in another order
    categories = sorted(content['categories'], key=lambda item: item['id'])
    category_ids = {item['name']: item['id'] for item in categories}
    annotations = content['annotations']
    if class_agnostic:
        category_ids = dict.fromkeys(CLASS_AGNOSTIC, 1)
        annotations = [item | dict(category_id=1) for item in annotations]
    return AnnotationFile(ann_file, images, annotations, category_ids)


def load_annotation_content(ann_file: str, backend_args: dict | None = None) -> dict:
    """Read an annotation file without looking at what its lists hold.

    Args:
        ann_file: Path of the file.
        backend_args: Arguments of MMEngine's file backend.

    Returns:
        Its content, with the lists ``images``, ``annotations`` and ``categories``.

    Raises:
        FileNotFoundError: If the file is missing.
        AnnotationError: If it is not JSON or not a COCO-style file, or its annotations
            have the keys of a data set that must be converted first.
    """
    try:
        with (
            get_local_path(ann_file, backend_args=backend_args) as path,
            open(path, 'rb') as file,
        ):
            # bytes: UTF-8, UTF-16 or UTF-32, with a byte order mark or without
            content = json.loads(file.read())
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'{ann_file}: annotation file not found. Set data_root and ann_file of the '
            'data set, or link your copy there (see docs/data.md).'
        ) from error
    except (IsADirectoryError, NotADirectoryError) as error:
        raise AnnotationError(
            f'{ann_file} is a folder, or below a file: name the annotation file'
        ) from error
    except UnicodeDecodeError as error:
        raise AnnotationError(
            f'{ann_file} is not UTF-8 or UTF-16: save it as UTF-8 ({error})'
        ) from error
    # ValueError: also a number of more than 4300 digits
    except (ValueError, RecursionError) as error:
        raise AnnotationError(f'{ann_file} is not valid JSON: {error}') from error
    if isinstance(content, list) and any(
        isinstance(entry, dict) and 'score' in entry for entry in content
    ):
        raise AnnotationError(
            f'{ann_file} is a list of predictions, not an annotation file.'
        )
    content = content if isinstance(content, dict) else {}
    hint = foreign_keys(content.get('annotations'))
    keys = ('images', 'annotations', 'categories')
    missing = [f'"{key}"' for key in keys if not isinstance(content.get(key), list)]
    if missing:
        raise AnnotationError(
            f'{ann_file} has no list {" and no list ".join(missing)}; a COCO-style '
            'file has images, annotations and categories ("annotations": [] is '
            f'allowed, for images without objects). {hint}'.rstrip()
        )
    if hint:
        raise AnnotationError(f'{ann_file}: {hint}')
    if not content['images']:
        raise AnnotationError(
            f'{ann_file}: the list "images" is empty, so there is nothing to load. '
            'Name another file, or add its images.'
        )
    return content


def _log_warnings(ann_file: str, findings: list[Finding]) -> None:
    """One line for each kind of warning: how many, and the first."""
    first = {finding.kind: finding for finding in reversed(findings)}
    for kind, finding in first.items():
        number = sum(each.kind == kind for each in findings)
        print_log(
            f'{ann_file}: {number} times {KINDS[kind].title}, such as '
            f'{finding.place()}: {finding.message}',
            logger='current',
            level=logging.WARNING,
        )
