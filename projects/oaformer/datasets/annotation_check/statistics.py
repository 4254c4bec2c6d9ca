"""What an annotation file holds, in numbers."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .objects import ObjectMasks
from .values import is_id

NUM_RATE_BINS = 10
MAX_SMALL_AREA, MAX_MEDIUM_AREA = 32**2, 96**2
"""COCO's limits between small, medium and large objects, in pixels."""


_COUNTS = (
    'images',
    'with_objects',
    'without_objects',
    'objects',
    'occluded',
    'fully_hidden',
    'crowd',
    'without_visible_mask',
    'unreadable',
)


class Statistics(NamedTuple):
    """What an annotation file holds.

    Attributes:
        counts: Number of ``images``, of those ``with_objects`` and
            ``without_objects``, of ``objects`` and of those that are ``occluded``,
            ``fully_hidden``, ``crowd``, ``without_visible_mask`` and ``unreadable``.
            What is occluded or hidden is known of readable objects only.
        categories: Number of objects by the category's name, in the file's order.
        unoccluded: Objects whose occlusion rate is exactly 0.
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
    image_sizes: Iterable[tuple[int, int]],
    objects: Iterable[tuple[dict, ObjectMasks | None]],
) -> Statistics:
    """Count what an annotation file holds.

    Args:
        content: Content of the file.
        image_sizes: Annotated (height, width) of the images that state them.
        objects: Every annotation, with its masks where they can be read.

    Returns:
        The numbers.
    """
    counts = Counter(images=len(content['images']))
    names = {
        item.get('id'): item.get('name')
        for item in content['categories']
        if isinstance(item, dict) and is_id(item.get('id'))
    }
    categories = dict.fromkeys(map(str, names.values()), 0)
    histogram = [0] * NUM_RATE_BINS
    object_sizes = dict(small=0, medium=0, large=0)
    with_objects = set()
    for annotation, masks in objects:
        counts['objects'] += 1
        with_objects.add(str(annotation.get('image_id')))
        counts['crowd'] += annotation.get('iscrowd') in (1, True)
        counts['without_visible_mask'] += annotation.get('visible_mask') is None
        category_id = annotation.get('category_id')
        if is_id(category_id) and category_id in names:
            categories[str(names[category_id])] += 1
        if masks is None:
            counts['unreadable'] += 1
            continue
        object_sizes[_object_size(masks.area)] += 1
        hidden = masks.area - masks.visible_area
        counts['occluded'] += hidden > 0
        counts['fully_hidden'] += masks.visible_area == 0
        if hidden:
            # Whole numbers: no rate slips over the edge of a bin.
            histogram[(NUM_RATE_BINS * hidden - 1) // masks.area] += 1
    known = [
        str(image.get('id')) for image in content['images'] if isinstance(image, dict)
    ]
    counts['with_objects'] = sum(key in with_objects for key in known)
    counts['without_objects'] = counts['images'] - counts['with_objects']
    readable = counts['objects'] - counts['unreadable']
    return Statistics(
        counts={key: counts[key] for key in _COUNTS},
        categories=categories,
        unoccluded=readable - counts['occluded'],
        rate_histogram=histogram,
        image_sizes=dict(Counter(image_sizes).most_common()),
        object_sizes=object_sizes,
    )


def _object_size(area: int) -> str:
    if area < MAX_SMALL_AREA:
        return 'small'
    return 'medium' if area < MAX_MEDIUM_AREA else 'large'
