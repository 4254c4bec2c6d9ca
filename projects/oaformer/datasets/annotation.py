"""One annotation of the schema: reading, checking and writing.

The rules are here once: the loader raises the first error that
:func:`parse_annotation` finds, ``check_amodal.py`` lists all of them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..structures import (
    RLE,
    rle_area,
    rle_bbox,
    rle_difference,
    rle_intersection,
    to_rle,
)
from .annotation_fields import (
    agreeing_area,
    agreeing_bbox,
    polygons_of,
    read_bbox,
    read_flag,
    read_number,
)
from .findings import CORRECTED, ERROR, KINDS, Finding

PARTS = ('visible_mask', 'invisible_mask')
"""Keys of masks that say what is visible."""
RATE_TOLERANCE = 1e-3
"""How far an annotated occlusion rate may be from the masks' own."""


class AmodalAnnotation(NamedTuple):
    """One object as loader, metric and checker see it.

    Attributes:
        amodal: Mask of the whole object.
        visible: Mask of its visible part, inside ``amodal``: ``amodal`` itself where
            nothing is hidden, empty where all is.
        occlusion_rate: Invisible area / amodal area, in [0, 1]. Without a mask of a
            part it is the annotated one, and ``visible`` is ``amodal`` all the same.
        bbox: Amodal box, (x1, y1, x2, y2) in pixels.
        area: Amodal area in pixels. That of a polygon may be the polygon's own, as
            in COCO, instead of its number of pixels.
        iscrowd: Whether it is a crowd.
        ignore: Whether it is marked to be ignored.
        corrections: What was corrected, in words that can be counted.
    """

    amodal: RLE
    visible: RLE
    occlusion_rate: float
    bbox: list[float]
    area: float
    iscrowd: bool
    ignore: bool
    corrections: list[str]

    @property
    def is_occluded(self) -> bool:
        """Whether a part of it is hidden, by its masks or by its rate."""
        return self.visible is not self.amodal or self.has_rate_only

    @property
    def has_rate_only(self) -> bool:
        """Whether a part of it is hidden, and no mask says which."""
        return only_rate_hides(self.amodal, self.visible, self.occlusion_rate)


def parse_annotation(
    annotation: Mapping[str, Any], height: int, width: int
) -> tuple[AmodalAnnotation | None, list[Finding]]:
    """Read one annotation in the schema (a COCO superset, D2SA's own keys).

    A missing ``visible_mask`` is the amodal mask without ``invisible_mask``, or
    the whole amodal mask where that is missing too; the annotated rate is then kept.
    Box, area and rate are those of the masks where they are missing, not finite, or
    disagree with the masks by more than small tolerances. Ids are left to
    :func:`oaformer.datasets.annotation_file.read_entries`.

    Args:
        annotation: Entry of ``annotations``; ``segmentation`` is the amodal mask.
        height: Height of the image in pixels.
        width: Width of the image in pixels.

    Returns:
        The object, None where there is an error, and all findings.
    """
    findings: list[Finding] = []
    amodal, visible = _masks(annotation, height, width, findings)
    area = 0 if amodal is None else rle_area(amodal)
    if amodal is not None and area == 0:
        message = '"segmentation" is empty: the object has no pixel'
        findings.append(Finding('empty_amodal_mask', 'segmentation', message))
    iscrowd = read_flag(annotation, 'iscrowd', findings)
    ignore = read_flag(annotation, 'ignore', findings)
    annotated_rate = read_number(annotation, 'occlude_rate', findings)
    knows_parts = has_parts(annotation)
    if not knows_parts and not 0 <= (annotated_rate or 0) <= 1:
        message = f'"occlude_rate" is {annotated_rate!r}, not between 0 and 1'
        findings.append(Finding('invalid_value', 'occlude_rate', message))
    annotated_area = read_number(annotation, 'area', findings)
    annotated_bbox = read_bbox(annotation, findings)
    if any(finding.severity == ERROR for finding in findings):
        return None, findings
    inside, visible_area, outside = amodal, area, 0
    if visible is not amodal:
        inside = rle_intersection(visible, amodal)
        visible_area = rle_area(inside)
        outside = rle_area(visible) - visible_area
    if outside:
        message = f'{outside} pixels of the visible mask lie outside the amodal mask'
        findings.append(
            Finding('visible_outside_amodal', 'visible_mask', message, outside)
        )
    if knows_parts or annotated_rate is None:
        rate = _agreeing_rate(annotated_rate, 1 - visible_area / area, findings)
    else:
        # no mask contradicts it
        rate = annotated_rate
    polygons = polygons_of(annotation['segmentation'])
    x, y, box_width, box_height = agreeing_bbox(
        annotated_bbox, rle_bbox(amodal), polygons, findings, height, width
    )
    parsed = AmodalAnnotation(
        amodal=amodal,
        visible=amodal if visible_area == area else inside,
        occlusion_rate=rate,
        bbox=[x, y, x + box_width, y + box_height],
        area=agreeing_area(annotated_area, area, polygons, findings),
        iscrowd=iscrowd,
        ignore=ignore,
        corrections=[
            KINDS[finding.kind].correction
            for finding in findings
            if finding.severity == CORRECTED
        ],
    )
    return parsed, findings


def parse_amodal_annotation(
    annotation: Mapping[str, Any], height: int, width: int
) -> AmodalAnnotation:
    """As :func:`parse_annotation`, but raises the first error.

    Raises:
        ValueError: If a mask can't be read or is empty, or a value has the wrong type.
    """
    parsed, findings = parse_annotation(annotation, height, width)
    if parsed is None:
        raise ValueError(
            next(each.message for each in findings if each.severity == ERROR)
        )
    return parsed


def to_annotation(
    amodal: RLE,
    visible: RLE | None = None,
    *,
    id: int,
    image_id: int,
    category_id: int,
    iscrowd: int = 0,
    **fields: Any,
) -> dict[str, Any]:
    """Describe one object in the schema (D2SA's keys).

    Args:
        amodal: Mask of the whole object, not empty.
        visible: Its visible part, inside ``amodal``; the annotation has none where
            None.
        id: Id of the annotation.
        image_id: Id of its image.
        category_id: Id of its category.
        iscrowd: Whether it is a crowd, 0 or 1.
        **fields: Further keys; may replace those that follow from the masks.

    Returns:
        The annotation. It has an ``invisible_mask`` only where something is hidden.
    """
    area = rle_area(amodal)
    annotation = dict(
        id=id,
        image_id=image_id,
        category_id=category_id,
        iscrowd=iscrowd,
        bbox=rle_bbox(amodal),
        area=float(area),
        segmentation=amodal,
    )
    visible_area = area
    if visible is not None:
        visible_area = rle_area(visible)
        annotation['visible_mask'] = visible
    annotation |= dict(occlude_rate=1 - visible_area / area) | fields
    if visible_area < area:
        annotation['invisible_mask'] = rle_difference(amodal, visible)
    return annotation


def read_mask(
    annotation: Mapping[str, Any], key: str, height: int, width: int
) -> RLE | Finding:
    """The mask under ``key``, or the finding that says why it can't be used."""
    mask = annotation.get(key)
    if mask is None:
        return Finding('missing_key', key, f'"{key}" is missing')
    size = mask.get('size') if isinstance(mask, dict) else None
    if isinstance(size, (list, tuple)) and list(size) != [height, width]:
        message = (
            f'"{key}" has the size {" x ".join(map(repr, size))} (height x width), its '
            f'image {height} x {width}'
        )
        return Finding('mask_size', key, message)
    try:
        return to_rle(mask, height, width)
    except (IndexError, OverflowError, TypeError, ValueError) as error:
        return Finding('undecodable_mask', key, f'"{key}": {error}')


def read_part(
    annotation: Mapping[str, Any], key: str, height: int, width: int
) -> RLE | Finding:
    """As :func:`read_mask`; a part without polygons is empty."""
    if annotation[key] in ([], [[]]):
        return to_rle(
            dict(size=[height, width], counts=[height * width]), height, width
        )
    return read_mask(annotation, key, height, width)


def only_rate_hides(amodal: RLE, visible: RLE, occlusion_rate: float) -> bool:
    """Whether an object as parsed is hidden by its rate, and not by its masks.

    Where masks say what is visible, a rate follows them within ``RATE_TOLERANCE``.
    """
    return occlusion_rate > RATE_TOLERANCE and visible == amodal


def has_parts(annotation: Mapping[str, Any]) -> bool:
    """Whether a mask says what is visible."""
    return any(annotation.get(key) is not None for key in PARTS)


def _masks(
    annotation: Mapping[str, Any], height: int, width: int, findings: list[Finding]
) -> tuple[RLE | None, RLE | None]:
    """Amodal and visible mask, not yet cut; None where they can't be used."""
    size = height, width
    amodal = read_mask(annotation, 'segmentation', *size)
    if isinstance(amodal, Finding):
        findings.append(amodal)
        amodal = None
    for key in PARTS:
        if annotation.get(key) is None:
            continue
        part = read_part(annotation, key, *size)
        if isinstance(part, Finding):
            findings.append(part)
            return amodal, None
        if key == 'visible_mask' or amodal is None:
            return amodal, part
        return amodal, rle_difference(amodal, part)
    return amodal, amodal


def _agreeing_rate(
    annotated: float | None, rate: float, findings: list[Finding]
) -> float:
    """The annotated rate, or the masks' own where they disagree."""
    if annotated is None:
        return rate
    difference = annotated - rate
    if 0 <= annotated <= 1 and abs(difference) <= RATE_TOLERANCE:
        return annotated
    message = (
        f'the rate is {annotated:.4f}, that of the masks {rate:.4f} ({difference:+.4f})'
    )
    findings.append(Finding('occlusion_rate', 'occlude_rate', message, difference))
    return rate
