"""Reading of an annotation file, with errors that say what to do, and writing."""

import json
import os
from collections import Counter
from collections.abc import Container, Hashable
from pathlib import Path
from typing import NamedTuple

from mmengine.fileio import get_local_path

from .annotation import AmodalAnnotation, parse_amodal_annotation

# Read as they are, the objects of these would pass for unoccluded ones, or for none.
_CONVERTERS = (
    ('original COCOA', {'regions'}, 'cocoa_to_amodal.py'),
    ('original KINS', {'inmodal_seg', 'a_segm', 'i_segm'}, 'kins_to_amodal.py'),
)


class AnnotationFile(NamedTuple):
    """Content of a COCO-style file whose parts refer to each other properly.

    Attributes:
        name: Path of the file.
        images: Image (``id``, ``file_name``, ``height``, ``width``) by its id.
        annotations: All annotations as they stand in the file.
        category_ids: Category id by class name, in the order of the file.
    """

    name: str
    images: dict[int, dict]
    annotations: list[dict]
    category_ids: dict[str, int]

    def parse(self, annotation: dict) -> AmodalAnnotation:
        """Parse one of the annotations.

        Raises:
            ValueError: Naming file and annotation, if a mask can't be used.
        """
        image = self.images[annotation['image_id']]
        try:
            return parse_amodal_annotation(annotation, image['height'], image['width'])
        except (TypeError, ValueError) as error:
            raise ValueError(f'{_place(self.name, annotation)}: {error}') from error


def read_annotation_file(
    ann_file: str, backend_args: dict | None = None
) -> AnnotationFile:
    """Read an annotation file in the schema (a COCO superset, D2SA's own keys).

    Args:
        ann_file: Path of the file.
        backend_args: Arguments of MMEngine's file backend.

    Returns:
        Its content. Masks are not looked at yet.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no JSON, no COCO-style file, or ids are missing, repeated
            or refer to nothing.
    """
    content = load_annotation_content(ann_file, backend_args)
    _check_unique(ann_file, content['images'], 'image')
    _check_unique(ann_file, content['annotations'], 'annotation')
    _check_unique(ann_file, content['categories'], 'category')
    for image in content['images']:
        missing = {'file_name', 'height', 'width'} - image.keys()
        if missing:
            raise ValueError(
                f'{ann_file}: image {image["id"]} has no {sorted(missing)}'
            )
    images = {image['id']: image for image in content['images']}
    category_ids = {item.get('name'): item['id'] for item in content['categories']}
    if None in category_ids:
        raise ValueError(f'{ann_file}: category {category_ids[None]} has no name')
    if len(category_ids) < len(content['categories']):
        raise ValueError(f'{ann_file}: two categories have the same name')
    _check_references(ann_file, content['annotations'], images, category_ids)
    return AnnotationFile(ann_file, images, content['annotations'], category_ids)


def load_annotation_content(ann_file: str, backend_args: dict | None = None) -> dict:
    """Read an annotation file without looking at what its lists hold.

    Args:
        ann_file: Path of the file.
        backend_args: Arguments of MMEngine's file backend.

    Returns:
        Its content, with the lists ``images``, ``annotations`` and ``categories``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no JSON or no COCO-style file, or its annotations have the
            keys of a data set that must be converted first.
    """
    try:
        with (
            get_local_path(ann_file, backend_args=backend_args) as path,
            open(path, encoding='utf-8') as file,
        ):
            content = json.load(file)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'{ann_file}: no such annotation file. Set data_root and ann_file of the '
            'data set, or link your copy there (see "Data" in the README).'
        ) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f'{ann_file} is not valid JSON: {error}') from error
    content = content if isinstance(content, dict) else {}
    hint = _converter_hint(content)
    keys = ('annotations', 'categories', 'images')
    missing = [key for key in keys if not isinstance(content.get(key), list)]
    if missing:
        raise ValueError(
            f'{ann_file} has no {missing}; it must be a COCO-style file with lists of '
            f'images, annotations and categories.{hint}'
        )
    if hint:
        raise ValueError(f'{ann_file} has the keys of another format.{hint}')
    return content


def write_json(path: str | os.PathLike, content: dict) -> None:
    """Write an annotation file, or another one of JSON, as a whole or not at all.

    Args:
        path: Where to; its folder is made, and what is there is replaced.
        content: Content of the file.

    Raises:
        OSError: If it can't be written.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f'.{target.name}.{os.getpid()}')
    try:
        part.write_text(json.dumps(content), encoding='utf-8')
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _converter_hint(content: dict) -> str:
    """What to do with a file whose annotations have the keys of another format."""
    annotations = content.get('annotations')
    entries = annotations if isinstance(annotations, list) else []
    keys = {key for entry in entries if isinstance(entry, dict) for key in entry}
    for name, foreign, tool in _CONVERTERS:
        if keys & foreign:
            return (
                f' This looks like {name}: convert it with '
                f'tools/dataset_converters/{tool}.'
            )
    return ''


def _check_unique(ann_file: str, entries: list, kind: str) -> None:
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise ValueError(
                f'{ann_file}: the {kind} at position {index} is '
                f'{type(entry).__name__}, not an object with keys'
            )
        if not isinstance(entry.get('id'), Hashable):
            raise ValueError(
                f'{ann_file}: the {kind} at position {index} has the id {entry["id"]}, '
                'not a whole number'
            )
    counts = Counter(entry.get('id') for entry in entries)
    wrong = [key for key, count in counts.items() if count > 1 or key is None]
    if wrong:
        raise ValueError(
            f'{ann_file}: every {kind} needs an id of its own; these are missing or '
            f'repeated: {wrong[:10]}'
        )


def _check_references(
    ann_file: str,
    annotations: list[dict],
    images: dict[int, dict],
    category_ids: dict[str, int],
) -> None:
    known = set(category_ids.values())
    for annotation in annotations:
        if not _is_among(annotation.get('image_id'), images):
            raise ValueError(
                f'{_place(ann_file, annotation)}: no such image in the file'
            )
        if not _is_among(annotation.get('category_id'), known):
            raise ValueError(
                f'{_place(ann_file, annotation)}: category_id '
                f'{annotation.get("category_id")} is not among the categories'
            )


def _is_among(key: object, known: Container) -> bool:
    return isinstance(key, Hashable) and key in known


def _place(ann_file: str, annotation: dict) -> str:
    return (
        f'{ann_file}: annotation {annotation.get("id")} '
        f'(image {annotation.get("image_id")})'
    )
