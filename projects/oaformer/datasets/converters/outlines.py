"""Outlines from a labelling tool to annotations in the schema.

Who draws each object as a whole and puts the objects in order has said everything:
visible masks, occlusion rates and depths follow (see ``depth_order.py``).
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from ...structures import RLE, rle_area, rle_intersection, rle_union
from ..annotation import to_annotation
from ..findings import KINDS
from .conversion import Conversion, raise_problems
from .depth_order import (
    TIES,
    Layer,
    LayeredObject,
    unordered_pairs,
    visible_masks,
)

_NOTHING: Mapping = MappingProxyType({})


class Outline(NamedTuple):
    """One shape that is drawn in an image.

    Attributes:
        name: What messages call it, such as 'shape 3 (cup)'.
        label: Its label, the class.
        mask: What lies inside, not empty.
        order: Its place in depth; greater is nearer. Between equal ones it is unknown.
        group: Shapes of one label and one group are parts of one object. None: the
            shape is an object by itself.
        is_marked: Whether it is marked as occluded.
        notes: What was done to it, in words that are counted.
        fields: Further keys of its annotation; may replace those that follow from it.
    """

    name: str
    label: str
    mask: RLE
    order: float
    group: Hashable = None
    is_marked: bool = False
    notes: tuple[str, ...] = ()
    fields: Mapping[str, Any] = _NOTHING


class OutlinedImage(NamedTuple):
    """An image and what is drawn in it.

    Attributes:
        file: The file where it is annotated.
        entry: Its ``file_name``, ``height``, ``width`` and further keys; an ``id`` if
            it has one already.
        outlines: The shapes, in the order of the file.
        left_out: Number of shapes that were left out, for each reason.
        subset: Part of the data set that it belongs to; None without parts.
    """

    file: str
    entry: Mapping[str, Any]
    outlines: Sequence[Outline]
    left_out: Mapping[str, int] = _NOTHING
    subset: str | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return f'{self.file}: image {self.entry["file_name"]}'


class _Object(NamedTuple):
    """An object: outlines of its parts and, where drawn, of what is visible of it."""

    parts: list[Outline]
    visible: list[Outline]

    @property
    def label(self) -> str:
        return self.parts[0].label

    @property
    def name(self) -> str:
        return ' with '.join(part.name for part in self.parts)

    @property
    def is_crowd(self) -> bool:
        return bool(self.parts[0].fields.get('iscrowd'))

    def layered(self) -> LayeredObject:
        visible = rle_union(*(each.mask for each in self.visible or self.parts))
        layers = [Layer(part.mask, part.order) for part in self.parts]
        return LayeredObject(layers, visible if self.visible else None)


def convert_outlines(
    source: str,
    images: Sequence[OutlinedImage],
    class_ids: Mapping[str, int] | None = None,
    visible_suffix: str = '',
    ties: str | None = None,
) -> Conversion:
    """Turn whole outlines and their order into amodal annotations.

    An object whose label is not among the classes gets no annotation, and hides what is
    behind it all the same. Crowds neither hide nor are hidden. ``occl_depth`` counts
    from 0 at the front, and objects at one place share it; an image has none where
    something about its order is unknown.

    Args:
        source: What is converted, in words.
        images: The images.
        class_ids: Category id by label. None: the labels that are drawn, sorted, from 1
            on.
        visible_suffix: Ending of labels that mark outlines of visible parts: with
            '_visible' a shape 'cup_visible' is the visible part of the 'cup' of the
            same group or, without a group, of the only 'cup' without one. '': none is.
        ties: Which is in front of two overlapping objects whose order is unknown, one
            of ``depth_order.TIES``. None: that is an error.

    Returns:
        The annotation file and the counts of everything left out or corrected.

    Raises:
        ValueError: If an outline of a visible part belongs to no object or may belong
            to several, or if ``ties`` is None and two objects overlap whose order is
            unknown; names all of them.
    """
    problems: list[str] = []
    drawn = [_objects(image, visible_suffix, problems) for image in images]
    raise_problems(problems)
    if class_ids is None:
        labels = sorted({each.label for objects in drawn for each in objects})
        class_ids = {label: number for number, label in enumerate(labels, start=1)}
    content = dict(
        images=[],
        annotations=[],
        categories=[dict(id=key, name=label) for label, key in class_ids.items()],
    )
    result = Conversion(source, content, Counter(), Counter(), Counter())
    for image, objects in zip(images, drawn, strict=True):
        entry = dict(id=len(content['images']) + 1) | dict(image.entry)
        content['images'].append(entry)
        result.skipped.update(image.left_out)
        for outline in image.outlines:
            result.corrected.update(outline.notes)
        pairs = _add_objects(result, entry['id'], objects, class_ids, ties)
        problems += [f'{image.name}: {pair}' for pair in pairs]
    if ties is None:
        raise_problems(
            problems,
            'pairs of objects overlap, and nothing says which is in front: put them in '
            'order, or accept a guess by --unordered',
        )
    elif problems:
        what = f'guessed that the {ties} of two overlapping objects is in front'
        result.corrected[what] = len(problems)
    if number := result.unlisted_names.total():
        result.skipped['with a name not in the list'] = number
    return result


def _objects(image: OutlinedImage, suffix: str, problems: list[str]) -> list[_Object]:
    """The objects of an image, in the order of their first parts."""
    objects: dict[Hashable, _Object] = {}
    visible = []
    for number, outline in enumerate(image.outlines):
        if suffix and outline.label.endswith(suffix):
            visible.append(outline._replace(label=outline.label.removesuffix(suffix)))
        else:
            key = number if outline.group is None else (outline.label, outline.group)
            objects.setdefault(key, _Object([], [])).parts.append(outline)
    for outline in visible:
        same = [
            each
            for each in objects.values()
            if (each.label, each.parts[0].group) == (outline.label, outline.group)
        ]
        if len(same) == 1:
            same[0].visible.append(outline)
            continue
        group = 'without a group'
        if outline.group is not None:
            group = f'of group {outline.group}'
        problems.append(
            f'{image.name}: {outline.name} is to be the visible part of a '
            f'{outline.label!r} {group}, and there are {len(same)}: draw the whole '
            'object as well, and give both shapes a group of their own'
        )
    return list(objects.values())


def _add_objects(
    result: Conversion,
    image_id: int,
    objects: Sequence[_Object],
    class_ids: Mapping[str, int],
    ties: str | None,
) -> list[str]:
    """Add the annotations of an image; returns the pairs whose order is unknown."""
    ordered = [each for each in objects if not each.is_crowd]
    layered = [each.layered() for each in ordered]
    pairs = unordered_pairs(layered)
    seen = iter(zip(layered, visible_masks(layered, ties or TIES[0]), strict=True))
    # from the nearest place to the farthest
    places = sorted({each.order for each in layered}, reverse=True)
    annotations = result.content['annotations']
    for each in objects:
        fields = dict(each.parts[0].fields)
        whole, visible = each.layered(), None
        amodal = whole.amodal
        if not each.is_crowd:
            whole, visible = next(seen)
            result.corrected.update(_differences(each, whole, visible))
            if not pairs:
                fields = dict(occl_depth=places.index(whole.order)) | fields
            if rle_area(visible) == rle_area(amodal):
                visible = None
        if each.label not in class_ids:
            result.unlisted_names[each.label] += 1
            continue
        ids = dict(id=len(annotations) + 1, image_id=image_id)
        ids['category_id'] = class_ids[each.label]
        annotations.append(to_annotation(amodal, visible, **ids | fields))
    return [
        f'{ordered[one].name} and {ordered[other].name} ({pixels} pixels)'
        for (one, other), pixels in pairs.items()
    ]


def _differences(each: _Object, whole: LayeredObject, visible: RLE) -> Iterator[str]:
    """How what is visible differs from what is drawn and marked, in words."""
    if whole.visible is not None:
        inside = rle_area(rle_intersection(whole.visible, whole.amodal))
        if inside < rle_area(whole.visible):
            yield KINDS['visible_outside_amodal'].correction
        if rle_area(visible) < inside:
            yield 'visible part cut where that of a nearer object is drawn'
    is_marked = any(part.is_marked for part in each.parts)
    if is_marked and rle_area(visible) == rle_area(whole.amodal):
        yield 'marked as occluded, and no outline hides it'
