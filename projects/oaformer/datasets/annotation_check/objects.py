"""One annotation against its image: masks, and the numbers that follow from them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ...structures import (
    RLE,
    rle_area,
    rle_bbox,
    rle_difference,
    rle_intersection,
    to_rle,
)
from ..annotation import RATE_TOLERANCE
from .problem import Finding
from .values import (
    MASK_KEYS,
    find_non_finite,
    is_finite,
    is_number,
    outline_length,
    polygon_bbox,
    polygons_of,
)

EDGE_TOLERANCE = 1.0
"""How far an edge of a box may be from the mask's, in pixels. Data sets differ in
whether a box ends at its last pixel or behind it."""
AREA_TOLERANCE = 1.0
"""How far an area may be from the mask's, in pixels."""


class ObjectMasks(NamedTuple):
    """Masks of one object, as the loader understands them.

    Attributes:
        amodal: Mask of the whole object.
        visible: Its visible part, cut to ``amodal``.
        area: Pixels of ``amodal``.
        visible_area: Pixels of ``visible``.
        bbox: Box around ``amodal``, [x, y, width, height] in pixels.
    """

    amodal: RLE
    visible: RLE
    area: int
    visible_area: int
    bbox: list[float]

    @property
    def occlusion_rate(self) -> float:
        """Invisible area / amodal area."""
        return 1 - self.visible_area / self.area


def check_object(
    annotation: Mapping[str, Any], height: int, width: int
) -> tuple[ObjectMasks | None, list[Finding]]:
    """Check one annotation against its image.

    The rules are those of :func:`parse_amodal_annotation`, but nothing stops at the
    first problem.

    Args:
        annotation: Entry of ``annotations``.
        height: Height of the image in pixels.
        width: Width of the image in pixels.

    Returns:
        Its masks, None where they can't be used, and what is wrong.
    """
    masks, findings = read_masks(annotation, height, width)
    findings += find_non_finite(annotation, skip=MASK_KEYS)
    if annotation.get('iscrowd') not in (None, 0, 1):
        value = annotation['iscrowd']
        message = f'"iscrowd" is {value!r}, not 0 or 1'
        findings.append(Finding('invalid_value', 'iscrowd', message))
    for check in (_check_rate, _check_bbox, _check_area):
        findings += check(annotation, masks)
    return masks, findings


def read_masks(
    annotation: Mapping[str, Any], height: int, width: int
) -> tuple[ObjectMasks | None, list[Finding]]:
    """Read the masks of an annotation and compare them with each other.

    Args:
        annotation: Entry of ``annotations``.
        height: Height of the image in pixels.
        width: Width of the image in pixels.

    Returns:
        The masks, None where they can't be used, and what is wrong with them.
    """
    read: dict[str, RLE] = {}
    findings = []
    if annotation.get('segmentation') is None:
        findings.append(
            Finding('missing_key', 'segmentation', '"segmentation" is missing')
        )
    for key in MASK_KEYS:
        if annotation.get(key) is None:
            continue
        mask = _read_mask(annotation[key], key, height, width)
        if not isinstance(mask, Finding):
            read[key] = mask
        elif key == 'invisible_mask' and 'visible_mask' in read:
            # The loader doesn't need it.
            findings.append(mask._replace(kind='invisible_mask'))
        else:
            findings.append(mask)
    amodal, visible, invisible = map(read.get, MASK_KEYS)
    area = 0 if amodal is None else rle_area(amodal)
    if amodal is not None and area == 0:
        message = 'the amodal mask is empty: the object has no pixel'
        findings.append(Finding('empty_amodal_mask', 'segmentation', message))
    needed = MASK_KEYS[1 if annotation.get('visible_mask') is not None else 2]
    if area == 0 or (annotation.get(needed) is not None and needed not in read):
        return None, findings
    outside = 0
    if visible is not None:
        inside = rle_intersection(visible, amodal)
        outside = rle_area(visible) - rle_area(inside)
    elif invisible is not None:
        inside = rle_difference(amodal, invisible)
    else:
        inside = amodal
    masks = ObjectMasks(amodal, inside, area, rle_area(inside), rle_bbox(amodal))
    if outside:
        message = f'{outside} pixels of the visible mask lie outside the amodal mask'
        findings.append(
            Finding('visible_outside_amodal', 'visible_mask', message, outside)
        )
    if invisible is not None:
        findings += _check_invisible(masks, invisible)
    return masks, findings


def rle_size(segmentation: object) -> list[int] | None:
    """Size [height, width] that an RLE states; None for anything else."""
    try:
        return [int(side) for side in segmentation['size']]
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _read_mask(segmentation: object, key: str, height: int, width: int) -> Any:
    """The mask as an RLE, or the finding that says why there is none."""
    size = rle_size(segmentation)
    if size is not None and size != [height, width]:
        message = (
            f'"{key}" has the size {" x ".join(map(str, size))} (height x width), its '
            f'image {height} x {width}'
        )
        return Finding('mask_size', key, message)
    try:
        return to_rle(segmentation, height, width)
    except (TypeError, ValueError, OverflowError) as error:
        return Finding('undecodable_mask', key, f'"{key}": {error}')


def _check_invisible(masks: ObjectMasks, invisible: RLE) -> list[Finding]:
    inside = rle_area(rle_intersection(invisible, masks.amodal))
    outside = rle_area(invisible) - inside
    overlap = rle_area(rle_intersection(invisible, masks.visible))
    gap = masks.area - masks.visible_area - inside + overlap
    parts = [
        (overlap, 'are visible as well'),
        (gap, 'are neither visible nor invisible'),
        (outside, 'lie outside the amodal mask'),
    ]
    wrong = [f'{number} pixels {what}' for number, what in parts if number]
    if not wrong:
        return []
    message = f'the parts do not add up: {", ".join(wrong)}'
    return [
        Finding('invisible_mask', 'invisible_mask', message, overlap + gap + outside)
    ]


def _check_rate(
    annotation: Mapping[str, Any], masks: ObjectMasks | None
) -> list[Finding]:
    rate = annotation.get('occlude_rate')
    if rate is None or not is_finite(rate):
        return []
    if not is_number(rate):
        return [_not_a_number('occlude_rate', rate)]
    if not 0 <= rate <= 1:
        message = f'the rate {rate:g} is not between 0 and 1'
        return [Finding('occlusion_rate', 'occlude_rate', message, float(rate))]
    if masks is None or abs(rate - masks.occlusion_rate) <= RATE_TOLERANCE:
        return []
    difference = rate - masks.occlusion_rate
    message = (
        f'the rate is {rate:.4f}, that of the masks {masks.occlusion_rate:.4f} '
        f'({difference:+.4f})'
    )
    return [Finding('occlusion_rate', 'occlude_rate', message, difference)]


def _check_bbox(
    annotation: Mapping[str, Any], masks: ObjectMasks | None
) -> list[Finding]:
    bbox = annotation.get('bbox')
    if bbox is None or not is_finite(bbox):
        return []
    if not (isinstance(bbox, list) and len(bbox) == 4 and all(map(is_number, bbox))):
        message = f'"bbox" is {bbox!r}, not four numbers'
        return [Finding('invalid_value', 'bbox', message)]
    if min(bbox[2:]) <= 0:
        message = f'the box is {bbox[2]:g} x {bbox[3]:g} (width x height)'
        return [Finding('bbox', 'bbox', message, float(min(bbox[2:])))]
    if masks is None:
        return []
    boxes = [masks.bbox]
    # The tip of a polygon may cover no pixel.
    if polygons := polygons_of(annotation['segmentation']):
        boxes.append(polygon_bbox(polygons))
    distance = min(_edge_distance(bbox, box) for box in boxes)
    if distance <= EDGE_TOLERANCE:
        return []
    message = (
        f'the box is {bbox}, that of the amodal mask {masks.bbox} (x, y, width, '
        f'height): an edge is {distance:g} pixels off'
    )
    return [Finding('bbox', 'bbox', message, distance)]


def _check_area(
    annotation: Mapping[str, Any], masks: ObjectMasks | None
) -> list[Finding]:
    area = annotation.get('area')
    if area is None or not is_finite(area):
        return []
    if not is_number(area):
        return [_not_a_number('area', area)]
    if masks is None:
        return []
    # COCO measures a polygon's area before it becomes pixels; along the outline a pixel
    # may be in or out.
    outline = outline_length(polygons_of(annotation['segmentation']))
    difference = area - masks.area
    if abs(difference) <= AREA_TOLERANCE + outline:
        return []
    message = (
        f'the area is {area:g}, the amodal mask has {masks.area} pixels '
        f'({difference:+g})'
    )
    return [Finding('area', 'area', message, difference)]


def _not_a_number(key: str, value: object) -> Finding:
    return Finding('invalid_value', key, f'"{key}" is {value!r}, not a number')


def _edge_distance(first: list[float], second: list[float]) -> float:
    """Largest distance between the same edges of two boxes [x, y, width, height]."""
    edges = [
        (first[0], second[0]),
        (first[1], second[1]),
        (first[0] + first[2], second[0] + second[2]),
        (first[1] + first[3], second[1] + second[3]),
    ]
    return max(abs(a - b) for a, b in edges)
