"""Bring KINS annotations, of either release, to the package's schema.

KINS (Qi et al., Amodal Instance Segmentation with KINS Dataset, CVPR 2019) annotates
KITTI's images in COCO's layout. Its two releases, 2019 and 2020, hold the same
images under different keys; neither has occlusion rates. The second adds ``oco_id``,
the cluster of overlapping objects that an object belongs to, and ``ico_id``, its depth
in this cluster: 0 overlaps nothing, 1 is the nearest.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...structures import RLE, rle_area, rle_difference, to_rle
from ..annotation import parse_amodal_annotation
from ..annotation_ids import read_entries
from ..findings import raise_first_error
from .conversion import Conversion, converted_annotation
from .shapes import leaves_image


class _Release(NamedTuple):
    """Keys of a KINS release; boxes are (x, y, width, height)."""

    year: int
    amodal_mask: str
    amodal_bbox: str
    visible_mask: str
    visible_bbox: str


_RELEASES = (
    _Release(2019, 'segmentation', 'bbox', 'inmodal_seg', 'inmodal_bbox'),
    _Release(2020, 'a_segm', 'a_bbox', 'i_segm', 'i_bbox'),
)
# Keys that the schema's own keys replace.
_REPLACED = {'area', 'a_area', 'i_area'}.union(
    ('visible_mask', 'invisible_mask', 'occlude_rate'),
    *(release[1:] for release in _RELEASES),
)


def convert_kins(source: Mapping[str, Any], filename: str) -> Conversion:
    """Convert the content of a KINS file of either release.

    Boxes, areas and occlusion rates are those of the masks, each drawn once. Ids of
    images, annotations and categories stay as they are (the categories have gaps),
    and so does every key that the schema does not replace, ``oco_id`` and ``ico_id``
    among them. A fully hidden object stays, with an empty visible mask and rate 1.

    Args:
        source: Content of the KINS file: ``images``, ``annotations``, ``categories``.
        filename: Its name, for messages.

    Returns:
        The new content and the counts of everything left out or corrected.

    Raises:
        ValueError: If a key is missing, the file mixes both releases or belongs to
            none, an image or category is unknown, or a mask is corrupt or not of its
            image's size; names file and annotation.
    """
    for key in ('images', 'annotations', 'categories'):
        if key not in source:
            raise ValueError(f'{filename} has no {key!r}: is it a KINS file?')
    for index, annotation in enumerate(source['annotations']):
        if not isinstance(annotation, dict):
            raise ValueError(
                f'{filename}: annotation at position {index} is '
                f'{type(annotation).__name__}, not an object with keys'
            )
    release = _find_release(source['annotations'], filename)
    skipped, corrected = Counter(), Counter()
    unique = list(_with_unique_ids(source['annotations'], skipped, corrected))
    images, findings = read_entries(dict(source, annotations=unique))
    raise_first_error(filename, findings)
    annotations = []
    for annotation in unique:
        image = images[annotation['image_id']]
        try:
            converted, problems = _convert_annotation(annotation, release, image)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f'{filename}: annotation {annotation["id"]} (image {image["id"]}): '
                f'{error}'
            ) from error
        if converted is None:
            skipped.update(problems)
            continue
        corrected.update(problems)
        annotations.append(converted)
    content = dict(source, annotations=annotations)
    return Conversion(f'KINS {release.year}', content, skipped, corrected, Counter())


def _find_release(annotations: Sequence[Mapping], filename: str) -> _Release:
    examples = {}
    for annotation in annotations:
        for release in _RELEASES:
            if release.visible_mask in annotation:
                examples.setdefault(release, annotation.get('id'))
    keys = ' or '.join(f'"{release.visible_mask}"' for release in _RELEASES)
    if not examples:
        raise ValueError(
            f'{filename}: no annotation has {keys}, where KINS keeps the visible mask. '
            'Is it a KINS file as released?'
        )
    if len(examples) > 1:
        which = ', '.join(
            f'annotation {annotation_id} is of {release.year}'
            for release, annotation_id in examples.items()
        )
        raise ValueError(
            f'{filename} mixes both releases of KINS ({which}): convert the file of '
            'one release.'
        )
    return next(iter(examples))


def _with_unique_ids(
    annotations: Sequence[Mapping], skipped: Counter, corrected: Counter
) -> Iterator[Mapping]:
    """Annotations without repeats, each with an id of its own."""
    first: dict[int, Mapping] = {}
    ids = [item['id'] for item in annotations if item.get('id') is not None]
    new_id = max(ids, default=0) + 1
    for annotation in annotations:
        annotation_id = annotation.get('id')
        if annotation_id is not None and annotation_id not in first:
            first[annotation_id] = annotation
            yield annotation
        elif annotation == first.get(annotation_id):
            skipped['repeated'] += 1
        else:
            corrected['a new id in place of a missing or repeated one'] += 1
            yield dict(annotation, id=new_id)
            new_id += 1


def _convert_annotation(
    annotation: Mapping[str, Any], release: _Release, image: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, list[str]]:
    """The new annotation and corrections, or None and the reason."""
    height, width = image['height'], image['width']
    corrections: list[str] = []
    amodal = _mask(annotation, release.amodal_mask, height, width, corrections)
    if amodal is None:
        return None, ['without an amodal mask']
    if rle_area(amodal) == 0:
        return None, ['smaller than a pixel']
    visible = _mask(annotation, release.visible_mask, height, width, corrections)
    if visible is None:
        _, _, box_width, box_height = annotation.get(release.visible_bbox) or [0] * 4
        if min(box_width, box_height) > 0:
            return None, ['with a visible box but no visible mask']
        visible = rle_difference(amodal, amodal)
    parsed = parse_amodal_annotation(
        dict(
            segmentation=amodal,
            visible_mask=visible,
            bbox=annotation.get(release.amodal_bbox),
            iscrowd=annotation.get('iscrowd'),
        ),
        height,
        width,
    )
    kept = {key: annotation[key] for key in annotation if key not in _REPLACED}
    kept['iscrowd'] = int(parsed.iscrowd)
    return converted_annotation(parsed, **kept), corrections + parsed.corrections


def _mask(
    annotation: Mapping[str, Any],
    key: str,
    height: int,
    width: int,
    corrections: list[str],
) -> RLE | None:
    """The mask drawn, None where there is nothing to draw."""
    if key not in annotation:
        raise ValueError(f'"{key}" is missing')
    mask = annotation[key]
    if isinstance(mask, list) and mask:
        flat = all(isinstance(value, (int, float)) for value in mask)
        polygons = [mask] if flat else mask
        # Points and lines cover nothing, and pycocotools takes four numbers for a box.
        mask = [
            polygon
            for polygon in polygons
            if not isinstance(polygon, list) or len(polygon) >= 6
        ]
        if len(mask) < len(polygons):
            corrections.append(f'points or lines dropped from "{key}"')
    if not mask:
        return None
    try:
        rle = to_rle(mask, height, width)
    except ValueError as error:
        raise ValueError(f'"{key}": {error}') from error
    if isinstance(mask, list):
        # (number of coordinates,) -> (points, 2)
        points = np.concatenate([np.reshape(each, (-1, 2)) for each in mask])
        if leaves_image(points, height, width):
            corrections.append(f'"{key}" cut at the edge of the image')
    return rle
