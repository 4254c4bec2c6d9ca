"""Bring annotations with UOAIS's keys to the package's schema.

UOAIS-Sim (Back et al., Unseen Object Amodal Instance Segmentation via Hierarchical
Occlusion Modeling, ICRA 2022) and what SynTable renders (Ng et al., 2023) are in COCO's
layout, with ``visible_mask``, ``occluded_mask``, ``occluded_rate`` and
``visible_bbox``. SynTable lists an image once for each of its objects; its ``bbox`` is
that of the visible part, its ``area`` 0, and its rates have two digits.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...structures import RLE, rle_area, rle_difference, rle_intersection
from ..annotation import (
    AmodalAnnotation,
    parse_amodal_annotation,
    read_mask,
    read_part,
)
from ..annotation_ids import read_entries
from ..findings import Finding, raise_first_error
from .conversion import Conversion, converted_annotation

# Keys that the schema's own keys replace.
_MASKS = {'segmentation', 'visible_mask', 'occluded_mask'}
_REPLACED = _MASKS | {'bbox', 'visible_bbox', 'area', 'occluded_rate'}


def convert_uoais(source: Mapping[str, Any], filename: str) -> Conversion:
    """Convert the content of a file with UOAIS's keys.

    Boxes, areas and occlusion rates are those of the masks. Ids and all other keys
    stay. An image that is listed several times is listed once.

    Args:
        source: Content of the file: ``images``, ``annotations``, ``categories``.
        filename: Its name, for messages.

    Returns:
        The new content and the counts of everything left out or corrected.

    Raises:
        ValueError: If a key is missing, an id is repeated or refers to nothing, or a
            mask is corrupt or not of its image's size; names file and annotation.
    """
    for key in ('images', 'annotations', 'categories'):
        if not isinstance(source, Mapping) or key not in source:
            raise ValueError(f'{filename} has no {key!r}: is it a UOAIS file?')
    corrected = Counter()
    images = list(_listed_once(source['images'], corrected))
    by_id, findings = read_entries(dict(source, images=images))
    raise_first_error(filename, findings)
    annotations, skipped = [], Counter()
    for annotation in source['annotations']:
        image = by_id[annotation['image_id']]
        try:
            parsed = _parse(annotation, image['height'], image['width'], corrected)
        except ValueError as error:
            raise ValueError(
                f'{filename}: annotation {annotation["id"]} (image {image["id"]}): '
                f'{error}'
            ) from error
        if parsed is None:
            skipped['smaller than a pixel'] += 1
            continue
        corrected.update(parsed.corrections)
        kept = {key: annotation[key] for key in annotation if key not in _REPLACED}
        kept['iscrowd'] = int(parsed.iscrowd)
        annotations.append(converted_annotation(parsed, **kept))
    content = dict(source, images=images, annotations=annotations)
    return Conversion('UOAIS', content, skipped, corrected, Counter())


def _listed_once(images: Iterable[Any], corrected: Counter) -> Iterator[Any]:
    """The images without those that repeat an earlier one, key for key."""
    first: dict[int, Any] = {}
    for image in images:
        key = image.get('id') if isinstance(image, dict) else None
        if isinstance(key, int) and key in first and first[key] == image:
            corrected['an image listed again'] += 1
            continue
        if isinstance(key, int):
            first[key] = image
        yield image


def _parse(
    annotation: Mapping[str, Any], height: int, width: int, corrected: Counter
) -> AmodalAnnotation | None:
    """The object; None where it has no pixel."""
    amodal = _mask(annotation, 'segmentation', height, width)
    visible, occluded = (
        None if annotation.get(key) is None else _mask(annotation, key, height, width)
        for key in ('visible_mask', 'occluded_mask')
    )
    if visible is None and occluded is None:
        raise ValueError('neither "visible_mask" nor "occluded_mask" is there')
    if rle_area(amodal) == 0:
        return None
    if visible is None:
        visible = rle_difference(amodal, occluded)
    elif occluded is not None:
        hidden = rle_difference(amodal, visible)
        common = rle_area(rle_intersection(hidden, occluded))
        if not common == rle_area(hidden) == rle_area(occluded):
            corrected['"occluded_mask" replaced by what is not visible'] += 1
    # counts what the file says otherwise
    fields = {key: annotation.get(key) for key in ('bbox', 'area', 'iscrowd', 'ignore')}
    return parse_amodal_annotation(
        dict(
            segmentation=amodal,
            visible_mask=visible,
            occlude_rate=annotation.get('occluded_rate'),
            **fields,
        ),
        height,
        width,
    )


def _mask(annotation: Mapping[str, Any], key: str, height: int, width: int) -> RLE:
    read = read_mask if key == 'segmentation' else read_part
    mask = read(annotation, key, height, width)
    if isinstance(mask, Finding):
        raise ValueError(mask.message)
    return mask
