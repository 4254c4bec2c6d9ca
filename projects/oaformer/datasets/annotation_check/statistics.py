"""What an annotation file holds, in numbers."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pycocotools.cocoeval import Params

from ...structures import rle_area
from ..annotation import AmodalAnnotation
from ..annotation_ids import size_of

NUM_RATE_BINS = 10


class Statistics(NamedTuple):
    """What an annotation file holds.

    Attributes:
        counts: Number of ``images``, of those ``with_objects`` and
            ``without_objects``, of ``objects`` and of those that are ``occluded``,
            ``fully_hidden``, ``crowd``, ``without_visible_mask`` and ``unreadable``
            (with an error). The first three of objects count readable ones only.
        categories: Number of objects by the category's name, in the file's order.
        unoccluded: Objects that are not occluded.
        rate_histogram: Number of objects with rates in (0, 0.1], (0.1, 0.2] and so on.
        image_sizes: Number of images by (height, width), the most frequent first.
        object_sizes: Number of ``small``, ``medium`` and ``large`` amodal masks (COCO).
    """

    counts: dict[str, int]
    categories: dict[str, int]
    unoccluded: int
    rate_histogram: list[int]
    image_sizes: dict[tuple[int, int], int]
    object_sizes: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """The numbers for JSON."""
        sizes = [
            dict(height=height, width=width, images=number)
            for (height, width), number in self.image_sizes.items()
        ]
        return {**self._asdict(), 'image_sizes': sizes}


def collect_statistics(
    content: Mapping[str, Any],
    objects: Iterable[tuple[dict, AmodalAnnotation | None]],
) -> Statistics:
    """Count what an annotation file holds.

    Args:
        content: Content of the file.
        objects: Every annotation, and as parsed, None where it has an error.
    """
    images = [image for image in content['images'] if isinstance(image, dict)]
    names = {
        str(item.get('id')): str(item.get('name'))
        for item in content['categories']
        if isinstance(item, dict)
    }
    categories = dict.fromkeys(names.values(), 0)
    counts = dict(
        images=len(content['images']),
        with_objects=0,
        without_objects=0,
        objects=0,
        occluded=0,
        fully_hidden=0,
        crowd=0,
        without_visible_mask=0,
        unreadable=0,
    )
    histogram = [0] * NUM_RATE_BINS
    areas = []
    with_objects = set()
    for annotation, parsed in objects:
        counts['objects'] += 1
        with_objects.add(str(annotation.get('image_id')))
        counts['without_visible_mask'] += annotation.get('visible_mask') is None
        name = names.get(str(annotation.get('category_id')))
        if name is not None:
            categories[name] += 1
        if parsed is None:
            counts['unreadable'] += 1
            continue
        area = rle_area(parsed.amodal)
        areas.append(area)
        rate = 1 - rle_area(parsed.visible) / area
        if parsed.has_rate_only:
            rate = parsed.occlusion_rate
        counts['occluded'] += rate > 0
        counts['fully_hidden'] += rate == 1
        counts['crowd'] += parsed.iscrowd
        if rate:
            # rounded: no rate slips over the edge of a bin
            histogram[math.ceil(round(NUM_RATE_BINS * rate, 9)) - 1] += 1
    counts['with_objects'] = sum(
        str(image.get('id')) in with_objects for image in images
    )
    counts['without_objects'] = counts['images'] - counts['with_objects']
    sizes = Counter(size for image in images if (size := size_of(image)) is not None)
    return Statistics(
        counts=counts,
        categories=categories,
        unoccluded=len(areas) - counts['occluded'],
        rate_histogram=histogram,
        image_sizes=dict(sizes.most_common()),
        object_sizes=_object_sizes(areas),
    )


def _object_sizes(areas: Iterable[int]) -> dict[str, int]:
    """Number of areas in each of COCO's ranges; an area between two is the larger."""
    params = Params(iouType='segm')
    upper = dict(zip(params.areaRngLbl[1:], params.areaRng[1:], strict=True))
    sizes = dict.fromkeys(upper, 0)
    for area in areas:
        sizes[next(name for name, (_, high) in upper.items() if area < high)] += 1
    return sizes
